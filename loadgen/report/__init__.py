"""Reports of a judgement: for a terminal, as Markdown, as CSV, and as one page of HTML."""
