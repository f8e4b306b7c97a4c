import type { Address } from 'viem';
import type { AccountId } from '../../src/protocol/account-id.ts';
import { parseMoney } from '../../src/protocol/amount.ts';
import type { CardServices } from '../stack/cards.ts';
import type { ChainAccess } from '../stack/chain-access.ts';
import type { StackDescription } from '../stack/stack-directory.ts';
import type { DemoMarket } from '../upstream/market.ts';
import type { ToolRequest } from './exchange.ts';
import type { Narrator } from './narrator.ts';
import type { Wallet } from './wallet.ts';

/** Context of every step. */
export type Scene = {
  readonly stack: StackDescription;
  /** State directory of the gateway. */
  readonly directory: string;
  readonly chain: ChainAccess;
  /** Time limit of a settlement, in milliseconds. */
  readonly patience: number;
  readonly wallet: Wallet;
  /** CAIP-10 account of the wallet. */
  readonly account: AccountId;
  readonly payTo: Address;
  readonly narrator: Narrator;
  /** The fakes behind the tools that pay by card; undefined if the stack sells none. */
  readonly cards: CardServices | undefined;
  /** The upstream that demands a credential; undefined if the stack has none. */
  readonly market: DemoMarket | undefined;
  /** Runs of each tool, counted by the upstream. */
  readonly runs: () => Readonly<Record<string, number>>;
};

const toolOf = ({ tools }: StackDescription, id: string) => {
  const tool = tools.find((candidate) => candidate.id === id);
  if (tool === undefined) throw new Error(`tools.json has no tool '${id}'`);
  return tool;
};

/** Returns the price of a tool in atomic units. */
export const priceOf = ({ stack }: Scene, tool: string): bigint => {
  const price = parseMoney(toolOf(stack, tool).price);
  if (price === undefined) throw new Error(`'${tool}' has no price`);
  return price;
};

/** Returns the runs of one tool. */
export const runsOf = (scene: Scene, tool: string): number => scene.runs()[tool] ?? 0;

/** Amount of the top-up in atomic units. */
export const TOP_UP = 100_000n;

/** Text for the tool `summarise`. */
export const ARTICLE =
  'A river carries water from the hills to the sea. On its way the river feeds mills and towns. ' +
  'Towns without a river dig wells, and wells run dry.';

/** Builds the requests of the demo. */
export const requestsFor = (stack: StackDescription) => {
  const post = (tool: string, body: Readonly<Record<string, string>>): ToolRequest => ({
    tool,
    method: 'POST',
    url: toolOf(stack, tool).url,
    body: JSON.stringify(body),
  });
  const get = (tool: string, rest: string): ToolRequest => {
    const url = toolOf(stack, tool).url + rest;
    return { tool, method: 'GET', url };
  };
  return {
    greeting: post('translate', { text: 'hello friend', to: 'fr' }),
    phrase: post('translate', { text: 'the big black cat', to: 'fr' }),
    word: get('lookup', '?word=river'),
    elsewhere: get('echo', 'river'),
    other: get('lookup', '?word=well'),
    dear: post('enrich', { text: 'river' }),
    topUp: {
      tool: 'countersign.credits',
      method: 'POST',
      url: `${stack.gateway}/credits?amount=${TOP_UP}`,
    },
    article: post('summarise', { text: ARTICLE }),
  } as const satisfies Readonly<Record<string, ToolRequest>>;
};

export type Requests = ReturnType<typeof requestsFor>;
