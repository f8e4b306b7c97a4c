import { signal } from '@preact/signals';
import type { OutboxPlace } from '../../../client/outbox.ts';
import { shelfOr } from '../../../client/shelf.ts';
import type { TypedData } from '../../../client/signer.ts';
import { nowSeconds } from '../../../core/clock.ts';
import type { AccountId } from '../../../protocol/account-id.ts';
import { aloneAmongTabs, openChannel, tabs } from '../../session/browser-tabs.ts';
import { WalletFault } from '../../session/wallet-refusal.ts';
import { storeShelf } from '../../session/browser-store.ts';
import { passedAtGateway } from '../gateway/gateway-clock.ts';
import type { CommandAnswer } from './answer-of-command.ts';
import { type Commands, commandsOf, type OpenCommand, SECOND } from './command-outbox.ts';
import {
  readCommand,
  type SignedCommand,
  slotOfSigning,
  type StoredCommand,
} from './signed-command.ts';

/** In IndexedDB; where the browser denies it, in the memory of all open tabs. Commands need no lock: each is added only to a free slot. */
const place: OutboxPlace = {
  shelf: shelfOr(storeShelf('commands'), tabs().shelf),
  alone: aloneAmongTabs,
};

/** Counts changes of the stored commands, by this tab and by others. */
export const commandChanges = signal(0);

const channel = openChannel('countersign-commands');
channel?.addEventListener('message', () => {
  commandChanges.value += 1;
});

const noteChange = (): void => {
  commandChanges.value += 1;
  channel?.postMessage('changed');
};

/** Commands that this tab is sending: their page shows their progress. */
const underWay = new Map<string, number>();
/** The client repeats a request after pauses; the command is still in progress during a pause. */
const PAUSE_MS = 5_000;

const commandsFor = (account: AccountId): Commands =>
  commandsOf(account, location.origin, place, passedAtGateway);

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

const sendKept = async (
  command: SignedCommand,
  send: () => Promise<Response>,
): Promise<readonly [Response, CommandAnswer]> => {
  const end = begin(command.id);
  try {
    return await commandsFor(command.account).send(command, send);
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
export const openCommands = async (account: AccountId): Promise<readonly OpenCommand[]> => {
  const open = await commandsFor(account).open();
  return open.filter(({ command }) => !underWay.has(command.id));
};

/** Deletes a command that has expired at the gateway. */
export const dismissCommand = async (command: SignedCommand): Promise<void> => {
  await commandsFor(command.account).dismiss(command);
  noteChange();
};

/**
 * Prevents a second signature for a change that an earlier one may still make.
 *
 * @throws WalletFault before it asks the wallet
 */
export const refuseSecond = async (account: AccountId, data: TypedData): Promise<void> => {
  const slot = slotOfSigning(data);
  if (slot !== undefined && (await commandsFor(account).isOpen(slot)))
    throw new WalletFault(SECOND);
};
