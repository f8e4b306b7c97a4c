import type { Seconds } from '../../src/core/clock.ts';
import type { Disk } from './disk.ts';

/** The alarm of an object. It survives the eviction of the object, and setting it is billed as a row. */
export type Alarm = {
  /** Reads the stored time of the alarm, once each time the object is loaded. */
  load(): Promise<void>;
  /** Whether the alarm is set, as far as the object knows. */
  isSet(): boolean;
  /**
   * Sets the alarm unless it is already set for this time or earlier: then undefined. Synchronous up to the write, which therefore joins the
   * transaction before it.
   */
  set(at: Seconds | undefined): Promise<void> | undefined;
  /** Notes that the alarm has fired and is no longer set. */
  fired(): void;
};

export const openAlarm = (
  storage: Pick<DurableObjectStorage, 'getAlarm' | 'setAlarm'>,
  disk: () => Pick<Disk, 'countRow'>,
): Alarm => {
  let alarmAt: Seconds | undefined;
  let isKnown = false;

  const write = async (at: Seconds): Promise<void> => {
    alarmAt = at;
    isKnown = true;
    disk().countRow();
    try {
      await storage.setAlarm(at * 1000);
    } catch (cause) {
      alarmAt = undefined;
      isKnown = false;
      throw cause;
    }
  };

  return {
    async load() {
      if (isKnown) return;
      const stored = await storage.getAlarm();
      if (isKnown) return;
      alarmAt = stored === null ? undefined : Math.ceil(stored / 1000);
      isKnown = true;
    },
    isSet: () => alarmAt !== undefined,
    set: (at) =>
      at === undefined || (alarmAt !== undefined && alarmAt <= at) ? undefined : write(at),
    fired() {
      alarmAt = undefined;
      isKnown = true;
    },
  };
};
