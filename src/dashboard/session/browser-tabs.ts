import type { OutboxPlace } from '../../client/outbox.ts';
import { storageShelf } from './storage-shelf.ts';
import { aloneBy, sharedTabs } from './tab-channel.ts';

/** Messages between the tabs; undefined in a browser that denies them. */
export const openChannel = (name: string): BroadcastChannel | undefined => {
  try {
    return new BroadcastChannel(name);
  } catch {
    return undefined;
  }
};

let shared: OutboxPlace | undefined;

/**
 * The shelf and locks that the tabs share by messages in a browser that denies storage. If it denies messages too, each tab has its own.
 */
export const tabs = (): OutboxPlace => {
  if (shared !== undefined) return shared;
  const opened = openChannel('countersign-outbox');
  const own = sharedTabs((message) => opened?.postMessage(message));
  opened?.addEventListener('message', ({ data }) => own.receive(data));
  shared = own;
  return own;
};

/** Web Locks, or messages between the tabs where the browser denies locks. */
export const aloneAmongTabs = aloneBy(
  () => navigator.locks,
  async (name, act) => await tabs().alone(name, act),
);

/** The storage and the locks that all tabs of this browser share. */
export const browserPlace: OutboxPlace = {
  shelf: storageShelf(() => localStorage),
  alone: aloneAmongTabs,
};
