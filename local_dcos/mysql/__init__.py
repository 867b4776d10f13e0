"""The MySQL service: a scheduler that runs one MariaDB server and serves the API of the DC/OS SDK."""
