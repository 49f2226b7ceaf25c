"""Names and texts as Spark SQL writes them.

Long expressions are SQL texts here and not calls on Columns: each call is a round trip to the JVM, and
thousands of them made a job's start seconds longer.
"""


def name(identifier: str) -> str:
    return "`" + identifier.replace("`", "``") + "`"


def text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def type(column_type: str) -> str:
    """A definition's column type as Spark names it."""
    return "string" if column_type == "text" else column_type
