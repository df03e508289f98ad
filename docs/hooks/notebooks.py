"""Notebooks as pages of the site: links of files become links of pages; scripts, which would fetch, are left out."""

import re

_LINK = re.compile(r'(href|src)="(?!\w+:|#|/|data:)([^"#]+\.(?:md|ipynb|png|svg))(#[^"]*)?"')

_SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL)


def on_page_content(page_html: str, page, files, **_) -> str:
    """Called by MkDocs with the HTML of each page."""
    if not page.file.src_uri.endswith(".ipynb"):
        return page_html
    folder = page.file.src_uri.rpartition("/")[0].split("/")

    def turned(match: re.Match) -> str:
        attribute, target, anchor = match.groups()
        path = list(folder)
        for step in target.split("/"):
            path = path[:-1] if step == ".." else [*path, step]
        file = files.get_file_from_path("/".join(path))
        if file is None:
            raise ValueError(f"{page.file.src_uri}: links {target}, which is not there")
        return f'{attribute}="{file.url_relative_to(page.file)}{anchor or ""}"'

    return _LINK.sub(turned, _SCRIPT.sub("", page_html))
