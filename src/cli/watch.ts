import { namesOf } from './lib/accounts.ts';
import { type AdminClient, openAdmin, roleOf } from './lib/admin-client.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Command } from './lib/command.ts';
import { cliErrorOf, Ended, EXIT, isRefusal } from './lib/errors.ts';
import type { Session } from './lib/session.ts';
import { followedAccounts, type Labels } from './tail/followed.ts';
import { frame, snapshot } from './watch/frame.ts';
import { gatewayAccountOf } from './watch/reads.ts';
import { openScreen } from './watch/screen.ts';
import { stateDocument } from './watch/state.ts';
import { FIRST_VIEW, keysIn, viewAfter } from './watch/view.ts';
import { createWatcher, type Watcher } from './watch/watcher.ts';

export const command: Command = {
  summary: 'show decisions, budgets, settlements and alerts live, on the whole terminal',
  arguments: [
    { syntax: '[accounts...]', summary: 'accounts to follow (default: you and your descendants)' },
  ],
  options: [
    {
      flags: '--operator',
      summary: 'sign as operator: all accounts that call, payments, dead letters, backends',
    },
    { flags: '--once', summary: 'print one snapshot and end, as in a pipe' },
  ],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign watch --as treasury',
    'countersign watch --operator --once',
    'countersign watch --json | jq .budgets.items[0]',
  ],
  run: async (session, input) => {
    const { out, progress } = session;
    const admin = await openAdmin(session, roleOf(input));
    const { accounts, labels } = await accountsOf(admin, input.arguments);
    const names = await namesOf(session);
    const signer = `${names.of(admin.self)}, ${admin.role}`;
    const watched = {
      admin,
      accounts,
      labels,
      names,
      signer,
      isOpen: input.arguments.length === 0,
    };
    let onChange = (): void => undefined;
    const watcher = createWatcher(watched, () => onChange());
    const isScreen = !out.json && process.stdout.isTTY && process.stdin.isTTY;
    if (input.flag('once') || (!out.json && !isScreen)) {
      await progress.during('reading', watcher.refresh);
      const now = session.now();
      out.result(stateDocument(watcher.state(), now), () =>
        snapshot(watcher.state(), Math.min(out.width, 100), out.style, now),
      );
      if (watcher.state().health.kind === 'gone') throw new Ended(EXIT.network);
      return;
    }
    // A spinner would write into the dashboard.
    await progress.hidden(async () => {
      if (!isScreen) {
        await stream(session, watcher, (listener) => {
          onChange = listener;
        });
        return;
      }
      await dashboard(session, watcher, (listener) => {
        onChange = listener;
      });
    });
  },
};

/** Operators follow the gateway's own account, which raises its alerts; the accounts that call join when the list shows them. */
const accountsOf = async (
  admin: AdminClient,
  given: readonly string[],
): Promise<{ readonly accounts: readonly AccountId[]; readonly labels: Labels }> => {
  if (admin.role === 'operator' && given.length === 0) {
    const own = await gatewayAccountOf(admin.gateway, admin.session.signal);
    return { accounts: own === undefined ? [] : [own], labels: new Map() };
  }
  try {
    return await followedAccounts(admin, given);
  } catch (thrown) {
    const error = cliErrorOf(thrown);
    if (given.length > 0 || !isRefusal(error, 'unknown_account')) throw error;
    return { accounts: [await admin.own()], labels: new Map() };
  }
};

type Listen = (listener: () => void) => void;

const STREAM_MS = 250;

/** One JSON document a line, after each change: at most four a second. */
const stream = async ({ out, now }: Session, watcher: Watcher, listen: Listen): Promise<void> => {
  let last = '';
  let timer: NodeJS.Timeout | undefined;
  const print = (): void => {
    timer = undefined;
    const document = stateDocument(watcher.state(), now());
    const { at: _, ...rest } = document;
    const text = JSON.stringify(rest, (__, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    if (text === last || watcher.state().health.kind === 'waiting') return;
    last = text;
    out.item(document, () => '');
  };
  listen(() => {
    timer ??= setTimeout(print, STREAM_MS);
  });
  await watcher.run();
};

/** How often the ages on the screen move on. */
const TICK_MS = 1_000;
const DRAW_MS = 50;

const dashboard = async (session: Session, watcher: Watcher, listen: Listen): Promise<void> => {
  const { out, now, signal } = session;
  let view = FIRST_VIEW;
  const ended = Promise.withResolvers<never>();
  const onKeys = (text: string): void => {
    for (const key of keysIn(text)) {
      if (key === 'quit') ended.reject(new Ended(EXIT.ok));
      if (key === 'interrupt') ended.reject(new Ended(EXIT.cancelled));
      const next = viewAfter(view, key, watcher.state());
      if (next.isPaused !== view.isPaused) watcher.setPaused(next.isPaused);
      view = next;
    }
    draw();
  };
  const draw = (): void => {
    screen.draw(frame(watcher.state(), view, screen.size(), out.style, now()));
  };
  const screen = openScreen(process, onKeys, () => draw());
  let timer: NodeJS.Timeout | undefined;
  listen(() => {
    timer ??= setTimeout(() => {
      timer = undefined;
      draw();
    }, DRAW_MS);
  });
  const tick = setInterval(draw, TICK_MS);
  // A signal: restore the terminal before `run` prints why the command ends.
  signal.addEventListener('abort', screen.close, { once: true });
  draw();
  try {
    await Promise.race([watcher.run(), ended.promise]);
  } finally {
    clearInterval(tick);
    clearTimeout(timer);
    screen.close();
  }
};
