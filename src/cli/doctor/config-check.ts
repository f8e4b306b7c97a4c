import type { Config } from '../../config.ts';
import type { Network } from '../../protocol/account-id.ts';
import { network } from '../../protocol/account-id.ts';
import type { CdpKey } from '../../settlement/backends/cdp-token.ts';
import type { Facilitator } from '../../settlement/backends/facilitator.ts';
import { type Check, doubtful, passed, skipped, wrong } from '../lib/check.ts';
import { configOf, isBlank, readConfigFiles } from '../lib/config-files.ts';
import type { LocalStack } from '../lib/local-stack.ts';
import { counted } from '../lib/text.ts';

/** A facilitator, as far as it is asked what it supports. */
export type AskedFacilitator = Pick<Facilitator, 'url' | 'networks' | 'auth'>;

/** What is to be looked at, as the configuration says; that of a local stack where there is no other. */
export type Subject = {
  readonly checks: readonly Check[];
  readonly gateway: string | undefined;
  readonly chains: readonly { readonly network: Network; readonly url: string }[];
  readonly facilitators: readonly AskedFacilitator[];
  /** For those that want one; undefined where it is not here. */
  readonly cdpKey: CdpKey | undefined;
  readonly upstream: string | undefined;
  /** Text of the key that the gateway should sign with. */
  readonly receiptKey: string | undefined;
};

const NAME = 'configuration';
const INIT = '`countersign init` fills it in.';

export const readSubject = async (
  directory: string,
  stack: LocalStack | undefined,
): Promise<Subject> => {
  const files = await readConfigFiles(directory);
  const other = ofStack(stack);
  if (files === undefined) {
    return {
      ...other,
      checks: [
        skipped(
          NAME,
          'there is no wrangler.toml here',
          'Run it in the directory of a gateway to look at that, too.',
        ),
      ],
    };
  }
  if (!files.ok) return { ...other, checks: [wrong(NAME, files.error, 'Correct it.')] };
  if (isBlank(files.value)) {
    const says = 'wrangler.toml is not filled in';
    return {
      ...other,
      checks: [
        stack === undefined
          ? wrong(NAME, says, INIT)
          : doubtful(NAME, `${says}; the local stack has its own`, INIT),
      ],
    };
  }
  const { config, faults, withoutKey, missing } = configOf(files.value);
  const key = withoutKey
    ? [
        doubtful(
          'RECEIPT_KEY',
          'is not in .dev.vars',
          'That is right if it is a secret of the deployed Worker; else `countersign init` makes one.',
        ),
      ]
    : [];
  if (config === undefined) {
    return {
      ...other,
      checks: [
        ...faults.map(({ name, reason }) =>
          wrong(name, reason, 'Correct it in wrangler.toml, .dev.vars or tools.json.'),
        ),
        ...key,
      ],
    };
  }
  const elsewhere = missing.map((name) =>
    doubtful(
      name,
      'is not in .dev.vars',
      `That is right if it is a secret of the deployed Worker: \`wrangler secret put ${name}\`.`,
    ),
  );
  const subject = ofConfig(config, withoutKey, missing.includes('CDP_API_KEY_SECRET'));
  return { ...subject, checks: [passed(NAME, summary(config)), ...key, ...elsewhere] };
};

const summary = ({ networks, tools }: Config): string =>
  `${counted(tools.length, 'tool')}, paid on ${networks.join(', ')}`;

const ofConfig = (
  config: Config,
  withoutKey: boolean,
  withoutCdpKey: boolean,
): Omit<Subject, 'checks'> => ({
  gateway: config.audiences[0],
  chains: [...config.rpcUrls].flatMap(([on, urls]) => urls.map((url) => ({ network: on, url }))),
  facilitators: config.facilitators,
  cdpKey: withoutCdpKey ? undefined : config.cdpKey,
  upstream: config.upstreamUrl,
  receiptKey: withoutKey ? undefined : config.receiptKey,
});

const ofStack = (stack: LocalStack | undefined): Omit<Subject, 'checks'> => ({
  gateway: stack?.gateway,
  chains: stack === undefined ? [] : [{ network: network(stack.chainId), url: stack.rpc }],
  facilitators: stack === undefined ? [] : [{ url: stack.facilitator, auth: 'none' }],
  cdpKey: undefined,
  upstream: stack?.upstream,
  receiptKey: undefined,
});
