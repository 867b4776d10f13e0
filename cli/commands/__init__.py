"""One file per verb."""

# The short helps stand here so that `pipectl --help` need not import the commands.
SHORT_HELP = {
    "plan": "Show what deploy would do; changes nothing.",
    "deploy": "Deploy the bundle, wait until data flows, and show it.",
    "status": "Show how every component and every position is.",
    "watch": "Show statistics, signals or dead letters as they come.",
    "limits": "Set, list and clear the limits that positions are watched for.",
    "open": "Print the address of the live page, or open it.",
    "logs": "Show what an app has printed.",
    "endpoints": "Print the addresses of Kafka, Flink, the cluster and the page.",
    "run": "Run a one-off job to its end, and show what it prints.",
    "jobs": "List the one-off jobs with their last runs, or stop one.",
    "topics": "List the topics of Kafka, and show records of one.",
    "parts": "List the optional parts of the bundle, with what each needs.",
    "scale": "Change the number of instances of an app.",
    "render": "Write the Marathon app definitions; contacts nothing.",
    "validate": "Check settings and templates; contacts nothing.",
    "destroy": "Take the bundle down; topics stay unless you name them.",
    "cluster": "Work with the cluster itself.",
}
