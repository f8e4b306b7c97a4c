import * as z from 'zod/mini';
import { uptoSenderOf } from '../../config/upto-sender.ts';
import type { Config } from '../../config/config.ts';
import type { Address } from '../../core/hex.ts';
import { checksummed, parseAddress } from '../../crypto/address.ts';
import type { Network } from '../../protocol/account-id.ts';
import { nameOfNetwork } from '../../protocol/x402/networks.ts';
import { PERMIT2, UPTO_PROXY } from '../../protocol/x402/permit2.ts';
import { supportedUrl } from '../../settlement/backends/facilitator-api.ts';
import { bytesSchema, readAnswer, rpcBatch } from '../../settlement/chain/json-rpc.ts';
import { type Check, failure, hostOf, passed, warning } from '../lib/checks.ts';
import { httpGet } from '../lib/http-get.ts';
import { counted } from '../lib/text.ts';

const NAME = 'upto';
/** What a permit needs on its chain. */
const CONTRACTS = [PERMIT2, UPTO_PROXY];

/** Checks on each network whether payments by `upto` can be settled. Returns no checks if no tool accepts them. */
export const uptoChecks = async (
  config: Config,
  signal: AbortSignal,
): Promise<readonly Check[]> => {
  const tools = config.tools.filter(
    ({ pricing, settlement }) =>
      pricing === 'upto' && (settlement === 'deferred' || settlement === 'upfront'),
  );
  return tools.length === 0
    ? []
    : await Promise.all(
        config.networks.map(async (on) => await checkNetwork(config, on, tools.length, signal)),
      );
};

const checkNetwork = async (
  config: Config,
  on: Network,
  tools: number,
  signal: AbortSignal,
): Promise<Check> => {
  const name = nameOfNetwork(on) ?? on;
  const sender = uptoSenderOf(config, on);
  if (sender === undefined) {
    return warning(
      NAME,
      `no account settles payments by upto on ${name}, so ${counted(tools, 'tool')} of variable price cannot offer them`,
      'Configure a relayer in RELAYERS, or uptoSender of a facilitator in FACILITATORS.',
    );
  }
  const codes = await codesOf([...CONTRACTS, sender], config.rpcUrls.get(on) ?? []);
  if (codes === undefined) {
    return warning(NAME, `no node of ${name} answers`, 'Check RPC_URLS, then try again.');
  }
  const lacking = CONTRACTS.filter((_, at) => codes[at] === '0x');
  if (lacking.length > 0) {
    return failure(
      NAME,
      `${name} has no contract at ${lacking.map(checksummed).join(' and ')}: no permit settles there`,
      'Sell the tools on another network, or with settlement credit.',
    );
  }
  if (!isKey(codes[CONTRACTS.length])) {
    return failure(
      NAME,
      `the account ${checksummed(sender)} that settles it on ${name} is a contract: the gateway would not find its settlements`,
      'Set the key that sends the transactions as uptoSender in FACILITATORS, or configure a relayer.',
    );
  }
  if (config.relayers.get(on)?.addresses[0] === sender) {
    return passed(NAME, `the relayer ${checksummed(sender)} settles payments on ${name}`);
  }
  const facilitator = config.facilitators.find(({ uptoSender }) => uptoSender === sender);
  return await checkFacilitator(facilitator?.url ?? '', { on, name, sender }, signal);
};

/** @returns undefined if no node answers */
const codesOf = async (
  addresses: readonly Address[],
  urls: readonly string[],
): Promise<readonly string[] | undefined> => {
  const calls = addresses.map((address) => ({
    method: 'eth_getCode',
    params: [address, 'latest'],
  }));
  const answers = await rpcBatch(urls, calls);
  if (!answers.ok) return undefined;
  const codes = answers.value.map((answer) => readAnswer(answer, bytesSchema));
  const known = codes.filter((code) => code !== undefined);
  return known.length === addresses.length ? known : undefined;
};

/** Whether an account sends transactions itself. One that has delegated to a contract (EIP-7702) does, too. */
const isKey = (code: string | undefined): boolean =>
  code === '0x' || code?.startsWith('0xef0100') === true;

const supportedSchema = z.looseObject({
  kinds: z.array(
    z.looseObject({
      scheme: z.string(),
      network: z.string(),
      extra: z.nullish(z.looseObject({ facilitatorAddress: z.optional(z.string()) })),
    }),
  ),
});

/** A facilitator that sends from another account cannot settle any permit that the gateway offers. */
const checkFacilitator = async (
  url: string,
  { on, name, sender }: { readonly on: Network; readonly name: string; readonly sender: Address },
  signal: AbortSignal,
): Promise<Check> => {
  const answer = await httpGet(supportedUrl(url), signal);
  const host = hostOf(url);
  const listed = answer.ok ? supportedSchema.safeParse(answer.value.json) : undefined;
  if (listed?.success !== true) {
    const hint = 'Make one small call to such a tool, then look at `countersign settlements`.';
    return warning(NAME, `${host} does not answer GET /supported without a token`, hint);
  }
  const kind = listed.data.kinds.find(({ scheme, network }) => scheme === 'upto' && network === on);
  if (kind === undefined) {
    return failure(
      NAME,
      `${host} settles no payments by upto on ${name}`,
      'Remove its uptoSender from FACILITATORS, or configure a relayer.',
    );
  }
  const states = kind.extra?.facilitatorAddress;
  return states === undefined || parseAddress(states) === sender
    ? passed(NAME, `${host} settles payments on ${name} from ${checksummed(sender)}`)
    : failure(
        NAME,
        `${host} sends from ${parseAddress(states) === undefined ? 'another account' : states} on ${name}: no permit settles`,
        'Set that account as its uptoSender in FACILITATORS. If it names a new one each time, configure a relayer.',
      );
};
