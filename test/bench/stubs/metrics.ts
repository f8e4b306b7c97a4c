/** Stub of the analytics dataset, a wrapped binding: the real one does not wait either. */
export default (): object => ({ writeDataPoint: () => {} });
