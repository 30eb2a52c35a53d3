"""Importing this package registers every scenario (see harness.SCENARIOS)."""
from scenarios import tcp_matrix    # noqa: F401
from scenarios import tcp_flows     # noqa: F401
from scenarios import tcp_transfers   # noqa: F401
from scenarios import tcp_closing     # noqa: F401
from scenarios import shutdowns     # noqa: F401
from scenarios import options       # noqa: F401
from scenarios import nonblocking   # noqa: F401
from scenarios import timeouts      # noqa: F401
from scenarios import udp           # noqa: F401
from scenarios import selecting     # noqa: F401
from scenarios import families      # noqa: F401
from scenarios import anew          # noqa: F401
