"""The pages of the service, made on the server: no script, nothing from another host."""

from __future__ import annotations

import json
import re
from html import escape
from typing import Any

from serving.problems import KINDS

Json = dict[str, Any]

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.2; } h2 { margin-top: 2.5rem; }
table { border-collapse: collapse; width: 100%; margin: 0.5rem 0 1rem; }
th, td { text-align: left; vertical-align: top; padding: 0.35rem 0.75rem 0.35rem 0; }
th { border-bottom: 2px solid currentColor; }
td { border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
code, pre { font: 14px/1.45 ui-monospace, monospace; }
pre { overflow-x: auto; padding: 0.75rem;
      border: 1px solid color-mix(in srgb, currentColor 25%, transparent); }
.method { font-weight: 600; }
"""


def home_page(ready: Json) -> str:
    """Return the page at `/`: how the service is, and where to go."""
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{'in order' if check['ok'] else 'not in order'}</td>"
        f"<td>{escape(check['detail'])}</td></tr>"
        for name, check in ready["checks"].items()
    )
    missing = ", ".join(ready["degraded"])
    state = f"Answers with less than everything: {missing}." if missing else "Answers in full."
    return _page(
        "Next best action",
        f"""<p>{escape(state)}</p>
<table><thead><tr><th>Part</th><th>State</th><th>Detail</th></tr></thead>
<tbody>{rows}</tbody></table>
<p>Its clock reads {escape(ready["now"])} ({escape(ready["time_zone"])}).</p>
<h2>Where to go</h2>
<ul>
<li><a href="/docs">Reference of the API</a>, and the same for machines:
<a href="/openapi.json">openapi.json</a></li>
<li><a href="/readyz">Readiness</a> and <a href="/healthz">liveness</a></li>
</ul>
<h2>Ask</h2>
<p><code>KEY</code> is an API key: <code>nba keys create</code> makes one; that of the demo is in
the file <code>demo-key</code> of its home folder.</p>
<pre>curl -s -X POST -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\
  -d '{{"customer_id": "1053", "channel": "advisor"}}' \\
  {escape(ready["address"])}/v1/next-best-actions</pre>""",
    )


def reference_page(document: Json) -> str:
    """Return the page at `/docs`: the OpenAPI document for people."""
    schemas = document["components"]["schemas"]
    sections = [
        _operation(method, path, operation, schemas)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    problems = "".join(
        f'<tr id="{kind.code}"><td>{kind.status}</td><td><code>{kind.code}</code></td>'
        f"<td>{escape(kind.title)}</td></tr>"
        for kind in KINDS.values()
    )
    models = "".join(_model(name, schema) for name, schema in sorted(schemas.items()))
    return _page(
        "Reference of the API",
        f"""<p>{_prose(document["info"]["description"])}</p>
<p><a href="/">Home</a> <a href="/openapi.json">openapi.json</a></p>
{"".join(sections)}
<h2>Problems</h2>
<table><thead><tr><th>Status</th><th>Code</th><th>Meaning</th></tr></thead>
<tbody>{problems}</tbody></table>
<h2>Models</h2>{models}""",
    )


def _operation(method: str, path: str, operation: Json, schemas: Json) -> str:
    text = [
        f'<h2><span class="method">{method.upper()}</span> <code>{escape(path)}</code></h2>',
        f"<p>{_prose(operation['summary'])} {_prose(operation.get('description', ''))}</p>",
    ]
    if "requestBody" in operation:
        content = operation["requestBody"]["content"]["application/json"]
        name = _name(content["schema"])
        text.append(f"<h3>Request</h3>{_fields(schemas[name])}")
        for example in content.get("examples", {}).values():
            text.append(_code(example["value"]))
    rows = "".join(
        f"<tr><td>{status}</td><td>{_prose(response['description'])}</td></tr>"
        for status, response in operation["responses"].items()
    )
    text.append(
        "<h3>Answers</h3><table><thead><tr><th>Status</th><th>Meaning</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )
    for content in operation["responses"]["200"]["content"].values():
        if "$ref" in content["schema"]:
            name = _name(content["schema"])
            text.append(f'<p>Status 200 is a <a href="#model-{name}">{name}</a>.</p>')
        if "example" in content:
            text.append(_code(content["example"]))
    return "".join(text)


def _model(name: str, schema: Json) -> str:
    about = _prose(schema.get("description", ""))
    return f'<h3 id="model-{name}">{name}</h3><p>{about}</p>{_fields(schema)}'


def _fields(schema: Json) -> str:
    required = schema.get("required", [])
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{_type(field)}</td>"
        f"<td>{'required' if name in required else escape(_default(field))}</td>"
        f"<td>{_prose(field.get('description', ''))}</td></tr>"
        for name, field in schema.get("properties", {}).items()
    )
    head = "<tr><th>Field</th><th>Type</th><th>Default</th><th>Meaning</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _prose(text: str) -> str:
    """Return text as HTML; what stands in backticks is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _type(field: Json) -> str:
    if "$ref" in field:
        return f'<a href="#model-{_name(field)}">{_name(field)}</a>'
    if "enum" in field:
        return " | ".join(f"<code>{escape(str(value))}</code>" for value in field["enum"])
    if "anyOf" in field:
        return " or ".join(_type(kind) for kind in field["anyOf"])
    if field.get("type") == "array":
        return f"list of {_type(field.get('items', {}))}"
    if field.get("type") == "object" and isinstance(field.get("additionalProperties"), dict):
        return f"object of {_type(field['additionalProperties'])}"
    bounds = [f"{field[key]}" for key in ("minimum", "maximum") if key in field]
    return escape(field.get("type", "any") + (f", {' to '.join(bounds)}" if bounds else ""))


def _default(field: Json) -> str:
    return json.dumps(field["default"]) if "default" in field else ""


def _name(reference: Json) -> str:
    name: str = reference["$ref"].rsplit("/", 1)[1]
    return name


def _code(value: object) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"


def _page(title: str, content: str) -> str:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main>
<h1>{escape(title)}</h1>
{content}
</main>
</body>
</html>
"""
