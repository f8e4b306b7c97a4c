/** A clock that a run can move forward, so that it does not wait for authorizations to end. */
const real = Date.now.bind(Date);
let ahead = 0;

Date.now = () => real() + ahead;

/** Moves the clock forward by seconds. */
export const advance = (seconds: number): void => {
  ahead += seconds * 1000;
};

/** Converts alarm times to the runtime's own clock, which keeps real time. */
export const keepTimeOf = (storage: DurableObjectStorage): void => {
  const { setAlarm, getAlarm } = storage;
  storage.setAlarm = (at, options) => setAlarm.call(storage, Number(at) - ahead, options);
  storage.getAlarm = async (options) => {
    const at = await getAlarm.call(storage, options);
    return at === null ? null : at + ahead;
  };
};
