/** Stub of the analytics dataset, as a wrapped binding. The real one does not wait either. */
export default (): object => ({ writeDataPoint: () => {} });
