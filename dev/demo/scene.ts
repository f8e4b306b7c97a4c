import type { Address } from 'viem';
import type { AccountId } from '../../src/core/account-id.ts';
import type { ChainAccess } from '../chain-access.ts';
import type { StackDescription } from '../stack-file.ts';
import type { ToolRequest } from './exchange.ts';
import type { Narrator } from './narrator.ts';
import type { Wallet } from './wallet.ts';

/** What every step needs. */
export type Scene = {
  readonly stack: StackDescription;
  /** Where the gateway keeps its state. */
  readonly directory: string;
  readonly chain: ChainAccess;
  /** How long a settlement may take. */
  readonly patience: number;
  readonly wallet: Wallet;
  /** CAIP-10 account of the wallet. */
  readonly account: AccountId;
  readonly payTo: Address;
  readonly narrator: Narrator;
  /** How often each tool has run, counted by the upstream. */
  readonly runs: () => Readonly<Record<string, number>>;
};

const urlOf = ({ tools }: StackDescription, id: string): string => {
  const tool = tools.find((candidate) => candidate.id === id);
  if (tool === undefined) throw new Error(`tools.json has no tool '${id}'`);
  return tool.url;
};

/** Runs of one tool so far. */
export const runsOf = (scene: Scene, tool: string): number => scene.runs()[tool] ?? 0;

/** The requests of the demo. */
export const requestsFor = (stack: StackDescription) => {
  const post = (tool: string, body: Readonly<Record<string, string>>): ToolRequest => ({
    tool,
    method: 'POST',
    url: urlOf(stack, tool),
    body: JSON.stringify(body),
  });
  const get = (tool: string, rest: string): ToolRequest => {
    const url = urlOf(stack, tool) + rest;
    return { tool, method: 'GET', url };
  };
  return {
    greeting: post('translate', { text: 'hello friend', to: 'fr' }),
    errand: post('translate', { text: 'the big black cat', to: 'fr' }),
    word: get('lookup', '?word=river'),
    elsewhere: get('echo', 'river'),
    dear: post('enrich', { text: 'river' }),
  } as const;
};
