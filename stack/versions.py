"""Versions of the real parts. The poms and go.mod are held equal to these by a test."""

from collections.abc import Mapping

KAFKA = "4.3.1"
LOG4J = "2.25.4"
SCALA = "2.13"
SPARK = "4.1.1"
# The newest that every mirror carries; it works with Spark 4.1.1.
SPARK_TOKEN_PROVIDER = "4.0.0"  # noqa: S105 - a version, not a secret
KAFKA_CLIENTS_OF_SPARK = "3.9.1"
COMMONS_POOL = "2.12.1"
BARE_LOCAL_FS = "0.1.0"
DELTA = "4.4.0"
UNITY_CATALOG_OF_DELTA = "0.6.0"
INFLUXDB = "2.9.1"
GO_AT_LEAST = (1, 25)
JAVA_AT_LEAST = 17
NODE_AT_LEAST = 20
PYTHON_AT_LEAST = (3, 11)
PYTHON_BELOW = (3, 14)

KAFKA_POM: Mapping[str, str] = {
    f"org.apache.kafka:kafka_{SCALA}": KAFKA,
    "org.apache.kafka:kafka-tools": KAFKA,
    "org.apache.logging.log4j:log4j-slf4j-impl": LOG4J,
}
SPARK_POM: Mapping[str, str] = {
    f"org.apache.spark:spark-sql-kafka-0-10_{SCALA}": SPARK,
    f"org.apache.spark:spark-token-provider-kafka-0-10_{SCALA}": SPARK_TOKEN_PROVIDER,
    "org.apache.kafka:kafka-clients": KAFKA_CLIENTS_OF_SPARK,
    "org.apache.commons:commons-pool2": COMMONS_POOL,
    f"org.apache.spark:spark-avro_{SCALA}": SPARK,
    "com.globalmentor:hadoop-bare-naked-local-fs": BARE_LOCAL_FS,
    f"io.delta:delta-spark_4.1_{SCALA}": DELTA,
    "io.delta:delta-storage": DELTA,
    "io.delta:delta-kernel-api": DELTA,
    "io.delta:delta-kernel-defaults": DELTA,
    "io.delta:delta-kernel-unitycatalog": DELTA,
    "io.unitycatalog:unitycatalog-client": UNITY_CATALOG_OF_DELTA,
    "io.unitycatalog:unitycatalog-hadoop": UNITY_CATALOG_OF_DELTA,
}
