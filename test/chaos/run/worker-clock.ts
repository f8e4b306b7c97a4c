/** A clock that can be put forward: an hour that a payment must wait for passes in a moment. */
const real = Date.now.bind(Date);
let ahead = 0;

Date.now = () => real() + ahead;

/** Seconds that pass at once. */
export const advance = (seconds: number): void => {
  ahead += seconds * 1000;
};

/** Alarms ring by the runtime's own clock. */
export const keepTimeOf = (storage: DurableObjectStorage): void => {
  const { setAlarm, getAlarm } = storage;
  storage.setAlarm = (at, options) => setAlarm.call(storage, Number(at) - ahead, options);
  storage.getAlarm = async (options) => {
    const at = await getAlarm.call(storage, options);
    return at === null ? null : at + ahead;
  };
};
