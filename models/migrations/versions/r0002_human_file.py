"""Which text that people wrote about a model was approved; of earlier approvals none."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("approvals", sa.Column("human", sa.Text, nullable=False, server_default=""))
