import { useEffect, useRef, useState } from 'preact/hooks';
import type { Seconds } from '../../core/clock.ts';
import { inTurn } from './in-turn.ts';
import { useQuery } from './query.ts';
import { gatewayNow } from './reader.ts';
import type { Standing } from './standing.ts';

/** A list reads each account at its object, which costs money: what was read is kept this long. */
const KEPT_SECONDS = 10;
const MAX_KEPT = 1000;

const kept = new Map<string, { readonly standing: Standing; readonly at: Seconds }>();

/** The standing of an account in a list, read in turn with those of other rows, and kept for ten seconds. */
export const useListedStanding = (account: string) => {
  const query = useQuery<Standing>(
    `listed standing ${account}`,
    async (management, signal) => {
      const known = kept.get(account);
      if (known !== undefined && gatewayNow() - known.at < KEPT_SECONDS) return known.standing;
      return await inTurn(async () => {
        const { body } = await management.call('account.get', { params: { account }, signal });
        if (kept.size >= MAX_KEPT) kept.clear();
        kept.set(account, { standing: body, at: gatewayNow() });
        return body;
      }, signal);
    },
    KEPT_SECONDS,
  );
  /** Reads again after a change. */
  const refresh = (): void => {
    kept.delete(account);
    query.refresh();
  };
  return { ...query, refresh };
};

/** Whether an element is on the screen now. The page reads only the rows that are. */
export const useInView = <E extends Element>() => {
  const element = useRef<E>(null);
  const [isInView, setInView] = useState(false);
  useEffect(() => {
    const watched = element.current;
    if (watched === null) return undefined;
    const observer = new IntersectionObserver((seen) =>
      setInView(seen.some(({ isIntersecting }) => isIntersecting)),
    );
    observer.observe(watched);
    return () => observer.disconnect();
  }, []);
  return { element, isInView };
};
