"""Every record on Kafka: the Avro schemas, the table of record types and the codec.

Nothing else defines a record.
"""
