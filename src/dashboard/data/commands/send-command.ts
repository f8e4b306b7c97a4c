import { signal } from '@preact/signals';
import type { TypedData } from '../../../client/signer.ts';
import { nowSeconds } from '../../../core/clock.ts';
import type { AccountId } from '../../../protocol/account-id.ts';
import { WalletFault } from '../../session/wallet-refusal.ts';
import { withStore } from '../../session/browser-store.ts';
import { passedAtGateway } from '../gateway/gateway-clock.ts';
import { answerOfCommand, type CommandAnswer } from './answer-of-command.ts';
import { type CommandStore, createCommandStore, type CommandShelf } from './command-store.ts';
import { readCommand, type SignedCommand, type StoredCommand, isSecond } from './signed-command.ts';

/** The commands in IndexedDB. */
const commandShelf: CommandShelf = {
  under: async (prefix) => {
    const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
    const keys: string[] = [];
    const values = await withStore<unknown[]>('commands', 'readonly', (store) => {
      const listed = store.getAllKeys(range);
      listed.onsuccess = () => keys.push(...(listed.result as string[]));
      return store.getAll(range);
    });
    return values.map((value, at) => [keys[at] ?? '', value] as const);
  },
  put: async (key, value) => withStore('commands', 'readwrite', (store) => store.put(value, key)),
  remove: async (key) => withStore('commands', 'readwrite', (store) => store.delete(key)),
};

/** Counts changes of the stored commands, by this tab and by others. */
export const commandChanges = signal(0);

const channel = new BroadcastChannel('countersign-commands');
channel.onmessage = () => {
  commandChanges.value += 1;
};

const noteChange = (): void => {
  commandChanges.value += 1;
  channel.postMessage('changed');
};

/** Commands that this tab is sending: their page shows their progress. */
const underWay = new Map<string, number>();
/** The client repeats a request after pauses; the command is still in progress during a pause. */
const PAUSE_MS = 5_000;

const storeOf = (account: AccountId): CommandStore =>
  createCommandStore(commandShelf, account, location.origin);

/** The result of the store, or undefined: a command must also work in a browser that stores nothing, or whose disk is full or hangs. */
const tried = async <T>(work: Promise<T>): Promise<T | undefined> => work.catch(() => undefined);

const begin = (id: string): (() => void) => {
  underWay.set(id, (underWay.get(id) ?? 0) + 1);
  return () => {
    setTimeout(() => {
      const rest = (underWay.get(id) ?? 1) - 1;
      if (rest === 0) underWay.delete(id);
      else underWay.set(id, rest);
      commandChanges.value += 1;
    }, PAUSE_MS);
  };
};

/** Sends a command, and keeps it until an answer decides it. */
const sendKept = async (
  command: SignedCommand,
  send: () => Promise<Response>,
): Promise<readonly [Response, CommandAnswer]> => {
  const store = storeOf(command.account);
  // Race: a page that is closed after the request has left never sees the answer.
  const isRepeat = (await tried(store.keep(command))) ?? false;
  const end = begin(command.id);
  try {
    const response = await send();
    const answer = await answerOfCommand(command, response, isRepeat);
    if (answer.is !== 'open') await tried(store.forget(command));
    return [response, answer];
  } finally {
    end();
    noteChange();
  }
};

const KEPT_HEADERS = ['agent-intent', 'content-type'] as const;

const storedOf = async (request: Request): Promise<StoredCommand> => {
  const { pathname, search, origin } = new URL(request.url);
  const headers = KEPT_HEADERS.flatMap((name) => {
    const value = request.headers.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  return {
    v: 1,
    gateway: origin,
    method: request.method as StoredCommand['method'],
    target: pathname + search,
    headers: Object.fromEntries(headers),
    body: await request.text(),
    sentAt: nowSeconds(),
  };
};

/**
 * `fetch` for the requests that the wallet of `account` signed. It keeps each one that a second signature would carry out twice, from before it
 * is sent until its answer is known.
 */
export const sendSigned = async (
  account: AccountId,
  input: RequestInfo | URL,
  init?: RequestInit,
): Promise<Response> => {
  const stored = await storedOf(new Request(input, init));
  const command = await readCommand(stored, account, location.origin);
  if (command === undefined) return fetch(input, init);
  const [response] = await sendKept(command, async () => fetch(input, init));
  return response;
};

const definedOf = (headers: StoredCommand['headers']): [string, string][] =>
  Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));

/** Sends a command again: the same bytes with the same signature, which the gateway carries out at most once. */
export const sendAgain = async (command: SignedCommand): Promise<CommandAnswer> => {
  const { gateway, target, method, headers, body } = command;
  const [, answer] = await sendKept(command, async () =>
    fetch(gateway + target, {
      method,
      headers: definedOf(headers),
      cache: 'no-store',
      redirect: 'manual',
      signal: AbortSignal.timeout(30_000),
      ...(body === '' ? {} : { body }),
    }),
  );
  return answer;
};

/** The commands of a wallet that have no answer yet, and that this tab is not sending. */
export const openCommands = async (account: AccountId): Promise<readonly SignedCommand[]> => {
  const open = (await tried(storeOf(account).open(passedAtGateway()))) ?? [];
  return open.filter(({ id }) => !underWay.has(id));
};

/**
 * Prevents a second signature for a change that an earlier one may still make.
 *
 * @throws WalletFault before it asks the wallet
 */
export const refuseSecond = async (account: AccountId, data: TypedData): Promise<void> => {
  const open = (await tried(storeOf(account).open(passedAtGateway()))) ?? [];
  if (!open.some((command) => isSecond(command, data))) return;
  throw new WalletFault({
    text: 'An earlier change like this one has no answer yet, and both could take effect.',
    hint: 'Close this dialog and send the earlier one again at the top of the page.',
  });
};
