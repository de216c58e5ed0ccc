"""What is in a piece of the page."""

from html.parser import HTMLParser


class _Parts(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.notes, self.marked, self.questions = [], [], []
        self.in_note = self.in_mark = False

    def handle_starttag(self, tag, attributes):
        of = dict(attributes)
        if of.get("class") == "stigma-note":
            self.in_note = True
            self.notes.append("")
        if tag == "mark":
            self.in_mark = True
            self.marked.append("")
        if "data-question" in of:
            self.questions.append(of["data-question"])

    def handle_endtag(self, tag):
        if tag == "div":
            self.in_note = False
        if tag == "mark":
            self.in_mark = False

    def handle_data(self, data):
        if self.in_note:
            self.notes[-1] += data
        if self.in_mark:
            self.marked[-1] += data


def spans_of(html):
    """The first note, the words marked in it, and the questions of the table."""
    parts = _Parts()
    parts.feed(str(html))
    return {"note": parts.notes[0], "marked": parts.marked, "questions": parts.questions}
