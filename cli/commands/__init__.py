"""One file per verb."""

# The short help is here so that `pipectl --help` does not import the commands.
SHORT_HELP = {
    "plan": "Show what deploy would do; changes nothing.",
    "deploy": "Deploy the bundle and wait until data flows.",
    "status": "Show the health of all components and positions.",
    "watch": "Show statistics, signals or dead letters as they arrive.",
    "limits": "Set, list and clear the limits of positions.",
    "open": "Print the address of the live page, or open it.",
    "logs": "Show the output of an app.",
    "endpoints": "Print the addresses of Kafka, Flink, the cluster and the page.",
    "run": "Run a one-off job to its end and show its output.",
    "jobs": "List the one-off jobs with their last runs, or stop one.",
    "query": "Run a read-only query on a store, and print its rows.",
    "tunnel": "Open an SSH tunnel to a service, for its own client.",
    "client": "Run the client of a service through a tunnel.",
    "topics": "List the topics of Kafka, and show records of one.",
    "parts": "List the optional parts of the bundle and their resources.",
    "scale": "Change the number of instances of an app.",
    "render": "Write the Marathon app definitions; contacts nothing.",
    "validate": "Check settings and templates; contacts nothing.",
    "destroy": "Remove the bundle; Kafka and its topics stay by default.",
    "cluster": "Manage the cluster itself, and link it to others.",
    "clusters": "Show all known clusters: version, health and links.",
    "area": "List, create and delete areas with quotas, such as dev.",
    "promote": "Deploy what runs on one cluster to another.",
}
