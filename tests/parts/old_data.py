"""`old_data.py KEY AGENT`: a configuration as the Python server keeps it in its folder `data`,
written by Python's own configparser; then a line with a token of AGENT."""

import configparser
import sys

from console import encrypted

SETTINGS = {
    "server": {"host": "0.0.0.0", "port": "8004", "debug": "false", "log_level": "INFO"},
    "websocket": {
        "max_connections": "1000",
        "ping_interval": "30",
        "ping_timeout": "10",
        "close_timeout": "10",
    },
    "security": {"allowed_origins": "*", "enable_cors": "true"},
    "logging": {
        "log_file": "logs/mcp_server.log",
        "max_file_size": "10MB",
        "backup_count": "5",
    },
}

if __name__ == "__main__":
    key, agent = sys.argv[1:]
    config = configparser.ConfigParser()
    config.read_dict(SETTINGS)
    config.set("server", "key", key)
    config.write(sys.stdout)
    print(encrypted(key, f'{{"agentId": "{agent}"}}'))
