import type { Keeper } from './keeper.ts';
import type { Fate } from './fate.ts';

/** A message that was sent and may still arrive. What it does when it does is its own. */
type Letter = { readonly what: string; readonly arrive: () => void };

/**
 * Everything that accounts say to each other. A message arrives at once, or late, or never, or twice, or something else happens while it
 * is on its way; who has sent one that does not arrive at once hears nothing, as after a timeout.
 */
export const openPost = (
  note: (event: string) => void,
  meanwhile: () => void,
  restart: (keeper: Keeper) => void,
) => {
  const bag: Letter[] = [];
  let fates: Fate[] = [];

  const send = <Answer>(what: string, from: Keeper, arrive: () => Answer): Answer | undefined => {
    const fate = fates.shift() ?? 'now';
    if (fate !== 'now') note(`${fate} ${what}`);
    switch (fate) {
      case 'lost':
        return undefined;
      case 'late':
        bag.push({ what, arrive });
        return undefined;
      case 'asleep':
        bag.push({ what, arrive });
        restart(from);
        return undefined;
      case 'twice':
        bag.push({ what, arrive });
        return arrive();
      case 'meanwhile':
        meanwhile();
        return arrive();
      case 'now':
        return arrive();
    }
  };

  return {
    send,
    /** For one command, or for what happens in between. */
    withFates(next: readonly Fate[], work: () => void): void {
      const before = fates;
      fates = [...next];
      work();
      fates = before;
    },
    /** Whichever message is the `which`th comes now; with `again` it may come once more. */
    deliver(which: number, again: boolean): void {
      const at = which % Math.max(1, bag.length);
      const letter = again ? bag[at] : bag.splice(at, 1)[0];
      if (letter === undefined) return;
      note(`delivered ${letter.what}`);
      letter.arrive();
    },
    /** All that are on their way arrive, in the order in which they were sent. */
    deliverAll(): void {
      while (bag.length > 0) this.deliver(0, false);
    },
  };
};

export type Post = ReturnType<typeof openPost>;
