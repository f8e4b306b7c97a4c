import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Alone, createOutbox, type Outbox, type Sent } from '../../../src/client/outbox.ts';
import { memoryShelf, type Shelf, shelfOr } from '../../../src/client/shelf.ts';

const KEY = 'refund of a call';
const NOW = 1_800_000_000;
const END = NOW + 180;

type Request = { readonly id: string; readonly end: number | undefined };

const requestIn = (value: unknown): Request | undefined =>
  typeof value === 'object' && value !== null && 'id' in value ? (value as Request) : undefined;

/** The locks that all tabs of a browser share. */
const locks = (): Alone => {
  const held = new Set<string>();
  return async (name, act) => {
    if (held.has(name)) return await act(false);
    held.add(name);
    return await act(true).finally(() => held.delete(name));
  };
};

const noLocks: Alone = async (_, act) => await act(true);

/** The points at which the user may close a page. */
const CRASHES = [
  'before it signs',
  'after it signed, before it keeps',
  'after it kept, before it sends',
  'after it sent, before the answer',
  'after the answer, before it forgets',
] as const;
type Crash = (typeof CRASHES)[number];

/** `refused`, `forgotten`: answers of a gateway that may still apply the request. `garbage`: the page of a proxy. */
type Answer = 'done' | 'lost' | 'refused' | 'forgotten' | 'garbage';

type Visit = {
  readonly crash?: Crash;
  readonly answer?: Answer;
  readonly outbox?: Outbox<Request>;
};

/** A browser, and a gateway that applies each signature at most once. */
const createWorld = ({
  shelf = memoryShelf(),
  alone = locks(),
}: { readonly shelf?: Shelf; readonly alone?: Alone } = {}) => {
  let now = NOW;
  let signatures = 0;
  let crash: Crash | undefined;
  /** The signatures that a page sent. */
  const left: string[] = [];
  const effects = new Set<string>();
  const reach = (point: Crash): void => {
    if (crash === point) throw new Error(`the page ended ${point}`);
  };
  const crashing: Shelf = {
    ...shelf,
    remove: async (...of) => {
      reach('after the answer, before it forgets');
      return await shelf.remove(...of);
    },
  };
  const tab = (of: Shelf = crashing): Outbox<Request> =>
    createOutbox(
      {
        idOf: ({ id }) => id,
        write: (request) => request,
        read: requestIn,
        endOf: ({ end }) => end,
      },
      { shelf: of, alone, now: () => now },
    );
  const visit = async ({ crash: at, answer = 'done', outbox = tab() }: Visit = {}): Promise<
    Sent<string> | 'ended'
  > => {
    crash = at;
    const send = async ({ id }: Request) => {
      reach('after it kept, before it sends');
      left.push(id);
      if (answer !== 'lost') effects.add(id);
      reach('after it sent, before the answer');
      return { isDecided: answer === 'done', answer };
    };
    return await outbox
      .once(KEY, {
        first: async (keep) => {
          reach('before it signs');
          signatures += 1;
          const request = { id: `signature ${signatures}`, end: END };
          reach('after it signed, before it keeps');
          const keeping = await keep(request);
          return keeping === 'kept'
            ? await send(request)
            : { isDecided: true, answer: `did not leave: ${keeping}` };
        },
        again: send,
      })
      .catch(() => 'ended' as const);
  };
  return {
    ...{ left, effects, tab, visit, shelf },
    signed: () => signatures,
    pass: (time: number) => {
      now = time;
    },
    look: async () => (await tab().look(KEY)).is,
  };
};

describe('a signed request', () => {
  it('that is answered is forgotten, so that the next one may be signed', async () => {
    const world = createWorld();
    for (const n of [1, 2]) {
      expect(await world.visit()).toEqual({ is: 'answered', answer: 'done' });
      expect([world.signed(), world.effects.size, await world.look()]).toEqual([n, n, 'free']);
    }
  });

  it.each(CRASHES)('takes effect once, whatever follows, if its page ends %s', async (crash) => {
    const world = createWorld();
    await world.visit({ crash });
    await world.visit({ crash: 'after it sent, before the answer' });
    expect(await world.visit()).toMatchObject({ is: 'answered', answer: 'done' });
    expect(new Set(world.left).size).toBe(1);
    expect(world.effects.size).toBe(1);
    expect(await world.look()).toBe('free');
  });

  it.each<Answer>(['lost', 'refused', 'forgotten', 'garbage'])(
    'whose answer is %s stays, and is all that is sent',
    async (answer) => {
      const world = createWorld();
      for (const _ of [1, 2, 3]) await world.visit({ answer });
      expect(await world.look()).toBe('undecided');
      await world.visit();
      expect(world.left).toEqual(Array.from({ length: 4 }, () => 'signature 1'));
      expect([world.signed(), await world.look()]).toEqual([1, 'free']);
    },
  );

  it('never leaves while another one is undecided, in any order of tabs, crashes and answers', async () => {
    const visit = fc.record({
      crash: fc.option(fc.constantFrom(...CRASHES), { nil: undefined }),
      answer: fc.constantFrom<Answer>('lost', 'refused', 'forgotten', 'garbage'),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(visit, { maxLength: 8 }),
        fc.boolean(),
        async (visits, isLocked) => {
          const world = createWorld({ alone: isLocked ? locks() : noLocks });
          for (const { crash, answer } of visits) {
            const more = { answer, ...(crash === undefined ? {} : { crash }) };
            await Promise.all([world.visit(more), world.visit(more)]);
          }
          expect(new Set(world.left).size).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('two tabs', () => {
  it('that act at once ask for one signature where the browser has locks', async () => {
    const world = createWorld();
    const [first, second] = await Promise.all([world.visit(), world.visit()]);
    expect([first, second]).toEqual([{ is: 'answered', answer: 'done' }, { is: 'elsewhere' }]);
    expect([world.signed(), world.effects.size]).toEqual([1, 1]);
  });

  it('let one signature leave where it has none: the other finds the slot taken', async () => {
    const world = createWorld({ alone: noLocks });
    const ends = await Promise.all([world.visit({ answer: 'lost' }), world.visit()]);
    expect(ends).toContainEqual({ is: 'answered', answer: 'did not leave: taken' });
    expect(new Set(world.left).size).toBe(1);
  });

  it('send the same request, and the one that is late forgets nothing of the next', async () => {
    const world = createWorld();
    await world.visit({ answer: 'lost' });
    const [late] = await world.tab().list('');
    await world.visit();
    await world.visit({ answer: 'lost' });
    if (late === undefined || !('request' in late[1])) throw new Error('nothing was kept');
    await world.tab().decide(KEY, late[1].request);
    expect(await world.look()).toBe('undecided');
    expect(await world.tab().keep(KEY, late[1].request)).toBe('taken');
  });
});

describe('a storage', () => {
  const denied = async (): Promise<never> =>
    await Promise.reject(new DOMException('denied', 'SecurityError'));

  it('that is denied is asked before the wallet, which signs nothing', async () => {
    const world = createWorld({ shelf: { list: denied, add: denied, remove: denied } });
    expect(await world.visit()).toEqual({ is: 'denied' });
    expect([world.signed(), await world.tab().list('')]).toEqual([0, []]);
  });

  it.each<readonly [string, Partial<Shelf>]>([
    ['that is full', { add: denied }],
    ['that forgets at once', { add: async () => true }],
  ])('%s lets nothing leave', async (_, rules) => {
    const world = createWorld({ shelf: { ...memoryShelf(), ...rules } });
    expect(await world.visit()).toEqual({ is: 'answered', answer: 'did not leave: denied' });
    expect(world.left).toEqual([]);
  });

  it.each<readonly [string, Shelf]>([
    ['is denied', { list: denied, add: denied, remove: denied }],
    ['is full', { ...memoryShelf(), add: denied }],
  ])('that %s is replaced by memory while the page is open', async (_, first) => {
    const world = createWorld({ shelf: shelfOr(first, memoryShelf()) });
    await world.visit({ answer: 'lost' });
    expect(await world.look()).toBe('undecided');
    await world.visit();
    expect(world.left).toEqual(['signature 1', 'signature 1']);
    expect(await world.look()).toBe('free');
  });

  it('that falls silent lets nothing leave: it may hold a request', async () => {
    const first = memoryShelf();
    let isSilent = false;
    const list: Shelf['list'] = async (prefix) =>
      isSilent ? await denied() : await first.list(prefix);
    const world = createWorld({ shelf: shelfOr({ ...first, list }, memoryShelf()) });
    await world.visit({ answer: 'lost' });
    isSilent = true;
    expect(await world.visit()).toEqual({ is: 'denied' });
    expect(world.left).toEqual(['signature 1']);
    isSilent = false;
    expect(await world.look()).toBe('undecided');
  });

  it('that was full once accepts no second request while one is in memory', async () => {
    const first = memoryShelf();
    let isFull = true;
    const add: Shelf['add'] = async (key, value) =>
      isFull ? await denied() : await first.add(key, value);
    const shelf = shelfOr({ ...first, add }, memoryShelf());
    expect(await shelf.add(KEY, 1)).toBe(true);
    isFull = false;
    expect(await shelf.add(KEY, 2)).toBe(false);
    expect(await shelf.list('')).toEqual([[KEY, 1]]);
  });

  it('that holds an unreadable value lets the page sign nothing, and keeps the value', async () => {
    const world = createWorld({ shelf: memoryShelf(new Map([[KEY, 'of another release']])) });
    expect(await world.visit()).toEqual({ is: 'unreadable' });
    expect([world.signed(), await world.look()]).toEqual([0, 'unreadable']);
    expect(await world.tab().dismiss(KEY)).toBe(false);
    await world.tab().discard(KEY);
    expect(await world.look()).toBe('free');
  });
});

describe('a request without an answer', () => {
  it('can be dismissed once it has expired, and not a second earlier', async () => {
    const world = createWorld();
    await world.visit({ answer: 'lost' });
    world.pass(END - 1);
    expect([await world.tab().dismiss(KEY), await world.look()]).toEqual([false, 'undecided']);
    world.pass(END);
    expect(await world.look()).toBe('over');
    expect(await world.tab().keep(KEY, { id: 'signature 1', end: END })).toBe('again');
    expect([await world.tab().dismiss(KEY), await world.look()]).toEqual([true, 'free']);
  });

  it('makes room for one of two that were signed after it expired, however late its removal is', async () => {
    const world = createWorld();
    const slow: Shelf['remove'] = async (...of) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return await world.shelf.remove(...of);
    };
    await world.visit({ answer: 'lost' });
    world.pass(END);
    const tabs = [world.tab(), world.tab({ ...world.shelf, remove: slow })];
    const kept = await Promise.all(
      tabs.map(async (tab, at) => await tab.keep(KEY, { id: `next ${at}`, end: END + 200 })),
    );
    expect(kept.toSorted()).toEqual(['kept', 'taken']);
    expect(await world.look()).toBe('undecided');
  });

  it('does not block the next request once it has expired', async () => {
    const world = createWorld();
    await world.visit({ answer: 'lost' });
    world.pass(END);
    await world.visit({ answer: 'lost' });
    expect(world.left).toEqual(['signature 1', 'signature 2']);
  });

  it('that never expires is never dismissed', async () => {
    const world = createWorld();
    await world.tab().keep(KEY, { id: 'a revocation', end: undefined });
    world.pass(NOW * 2);
    expect(await world.tab().dismiss(KEY)).toBe(false);
  });
});
