import { logSettingChecks } from './log-setting-checks.ts';
import { screeningSettingChecks } from './screening-setting-checks.ts';
import type { Config } from '../../config/config.ts';
import { network, type Network } from '../../protocol/account-id.ts';
import type { CdpKey } from '../../settlement/backends/cdp-token.ts';
import type { Facilitator } from '../../settlement/backends/facilitator.ts';
import { type Check, failure, passed, skipped, warning } from '../lib/checks.ts';
import { type ConfigFiles, configOf, isBlank, readConfigFiles } from '../lib/config-files.ts';
import type { LocalStack } from '../lib/local-stack.ts';
import { counted } from '../lib/text.ts';

export type TargetFacilitator = Pick<Facilitator, 'url' | 'networks' | 'auth'>;

/** The parts to check: those of the directory's configuration, else those of a local stack. */
export type Target = {
  readonly checks: readonly Check[];
  readonly gateway: string | undefined;
  /** The configuration of the directory, if it is valid. */
  readonly config: Config | undefined;
  readonly chains: readonly { readonly network: Network; readonly url: string }[];
  readonly facilitators: readonly TargetFacilitator[];
  /** Undefined if the secret is not on this machine. */
  readonly cdpKey: CdpKey | undefined;
  readonly upstream: string | undefined;
  /** JWK text of the key that the gateway should sign with. */
  readonly receiptKey: string | undefined;
};

const NAME = 'configuration';
const INIT = '`countersign init` fills it in.';

export const readTarget = async (
  directory: string,
  stack: LocalStack | undefined,
  environment?: string,
): Promise<Target> => {
  const files = await readConfigFiles(directory, environment);
  if (files?.ok === true) return targetOf(files.value, stack);
  const hint = 'Run the command in the directory of a gateway to check that as well.';
  const check =
    files === undefined
      ? skipped(NAME, 'this directory has no wrangler.toml', hint)
      : failure(NAME, files.error, 'Correct the file, then run the command again.');
  return { ...ofStack(stack), checks: [check] };
};

/** As `readTarget`, of files that are read. */
export const targetOf = (files: ConfigFiles, stack: LocalStack | undefined): Target => {
  const local = ofStack(stack);
  if (isBlank(files)) {
    const says = 'wrangler.toml is not filled in';
    const check =
      stack === undefined
        ? failure(NAME, says, INIT)
        : warning(NAME, `${says}; the local stack has its own configuration`, INIT);
    return { ...local, checks: [check] };
  }
  const { config, faults, withoutKey, missing } = configOf(files);
  const key = withoutKey
    ? [
        warning(
          'RECEIPT_KEY',
          'is not in .dev.vars',
          'That is right if it is a secret of the deployed Worker; else `countersign init` creates one.',
        ),
      ]
    : [];
  if (config === undefined) {
    const hint = 'Correct it in wrangler.toml, .dev.vars or tools.json.';
    const checks = [...faults.map(({ name, reason }) => failure(name, reason, hint)), ...key];
    return { ...local, checks };
  }
  const secrets = missing.map((name) =>
    warning(
      name,
      'is not in .dev.vars',
      `That is right if it is a secret of the deployed Worker: \`wrangler secret put ${name}\`.`,
    ),
  );
  const summary = `${counted(config.tools.length, 'tool')}, payments on ${config.networks.join(', ')}`;
  return {
    ...ofConfig(config, withoutKey, missing.includes('CDP_API_KEY_SECRET')),
    checks: [
      passed(NAME, summary),
      ...key,
      ...secrets,
      ...logSettingChecks({ ...files.variables, ...files.secrets }, config.reach),
      ...screeningSettingChecks(
        files.secrets['SCREENING'] ?? files.variables['SCREENING'] ?? '',
        config.reach,
        ARCHIVE_BINDING.test(files.toml),
      ),
      ...archiveChecks(files.toml),
    ],
  };
};

/** A binding of the archive, in TOML or in JSON. */
const ARCHIVE_BINDING = /"?binding"?\s*[=:]\s*"AUDIT_ARCHIVE"/;

const archiveChecks = (text: string): readonly Check[] =>
  ARCHIVE_BINDING.test(text)
    ? []
    : [
        warning(
          'archive',
          'no R2 bucket: D1 keeps the whole log until it is full, and then accepts no more',
          'Add [[r2_buckets]] with binding = "AUDIT_ARCHIVE" and a bucket_name to wrangler.toml; `countersign deploy` creates the bucket.',
        ),
      ];

const ofConfig = (
  config: Config,
  withoutKey: boolean,
  withoutCdpKey: boolean,
): Omit<Target, 'checks'> => ({
  gateway: config.audiences[0],
  config,
  chains: [...config.rpcUrls].flatMap(([on, urls]) => urls.map((url) => ({ network: on, url }))),
  facilitators: config.facilitators,
  cdpKey: withoutCdpKey ? undefined : config.cdpKey,
  upstream: config.upstreamUrl,
  receiptKey: withoutKey ? undefined : config.receiptKey,
});

const ofStack = (stack: LocalStack | undefined): Omit<Target, 'checks'> => ({
  gateway: stack?.gateway,
  config: undefined,
  chains: stack === undefined ? [] : [{ network: network(stack.chainId), url: stack.rpc }],
  facilitators: stack === undefined ? [] : [{ url: stack.facilitator, auth: 'none' }],
  cdpKey: undefined,
  upstream: stack?.upstream,
  receiptKey: undefined,
});
