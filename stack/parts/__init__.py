"""The real parts that `up` fetches or builds: one table, `PARTS`, in `stack.parts.table`."""
