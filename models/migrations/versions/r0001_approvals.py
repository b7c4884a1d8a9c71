"""The log of approvals, to which the database itself only lets rows be added, and where it ends."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ONLY_ADDED = "rows of approvals are only ever added"
SQLITE = [
    f"CREATE TRIGGER approvals_no_{verb} BEFORE {verb} ON approvals "
    f"BEGIN SELECT RAISE(ABORT, '{ONLY_ADDED}'); END"
    for verb in ("UPDATE", "DELETE")
]
POSTGRESQL = [
    "CREATE FUNCTION approvals_only_added() RETURNS trigger LANGUAGE plpgsql "
    f"AS $$ BEGIN RAISE EXCEPTION '{ONLY_ADDED}'; END $$",
    "CREATE TRIGGER approvals_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON approvals "
    "FOR EACH STATEMENT EXECUTE FUNCTION approvals_only_added()",
]


def upgrade() -> None:
    op.create_table(
        "approvals",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("at", "kind", "specification", "model", "by", "role", "because")
        ),
        sa.Column("previous", sa.Text, nullable=False, unique=True),
        sa.Column("hash", sa.Text, nullable=False, unique=True),
    )
    op.create_table(
        "approvals_end",
        sa.Column("one", sa.Integer, sa.CheckConstraint("one = 1"), primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
    )
    for statement in {"sqlite": SQLITE, "postgresql": POSTGRESQL}.get(op.get_bind().dialect.name, []):
        op.execute(statement)
