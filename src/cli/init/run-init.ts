import { basename } from 'node:path';
import { writeFiles } from '../lib/atomic-file.ts';
import { chainChecks } from '../lib/chain-checks.ts';
import type { Check } from '../lib/check.ts';
import { checkLines } from '../lib/check-lines.ts';
import type { Input } from '../lib/command.ts';
import { CONFIG_FILE, type ConfigFiles, configOf, readConfigFiles } from '../lib/config-files.ts';
import { cancelled, CliError } from '../lib/errors.ts';
import { facilitatorCheck, upstreamCheck } from '../lib/service-checks.ts';
import type { Session } from '../lib/session.ts';
import { type Answers, askAnswers } from './answers.ts';
import { type Draft, draftFiles } from './files.ts';

/** `init`: asks, checks, and only then writes, all files or none. */
export const runInit = async (session: Session, input: Input): Promise<void> => {
  const { out, directory, signal } = session;
  const now = await gatewayFiles(directory);
  const answers = await askAnswers(session, input);
  const checks = input.flag('skipChecks') ? [] : await look(session, answers);
  if (checks.some(({ status }) => status === 'fail')) {
    out.note(checkLines({ ...out, style: out.noteStyle }, checks));
    throw new CliError('Not everything is as it must be. Nothing was written.', {
      hint: 'Correct it and run `countersign init` again; --skip-checks writes all the same.',
      code: 'checks_failed',
      details: Object.fromEntries(
        checks.filter(({ status }) => status === 'fail').map(({ name, says }) => [name, says]),
      ),
    });
  }
  const draft = await draftFiles(directory, now, answers, input.flag('keepTools'));
  await mayOverwrite(session, input, draft);
  mustBeRead(draft);
  await writeFiles(draft.files, signal);
  const written = draft.files.map(({ path }) => basename(path));
  out.result({ written, checks, next: NEXT.map(([command]) => command) }, () =>
    [
      ...(checks.length === 0 ? [] : [checkLines(out, checks), '']),
      `${out.style.good('wrote')} ${written.join(', ')}`,
      draft.madeKey
        ? out.style.dim(
            'RECEIPT_KEY, which signs receipts, is in .dev.vars: keep that file to yourself.',
          )
        : out.style.dim('RECEIPT_KEY in .dev.vars stays as it is.'),
      '',
      'Next:',
      ...NEXT.map(([command, what]) => `  ${out.style.accent(command)}\n      ${what}`),
    ].join('\n'),
  );
};

const NEXT = [
  ['npx wrangler deploy --dry-run', 'builds what would be deployed, and deploys nothing'],
  ['npx wrangler dev', 'serves it on this machine; tools.json says what it sells'],
  ['npm run deploy', 'deploys it; docs/deploy.md lists what to create once'],
] as const;

/** The files of a gateway: another Worker's are not touched. @throws CliError */
const gatewayFiles = async (directory: string): Promise<ConfigFiles> => {
  const files = await readConfigFiles(directory);
  const hint = 'Run it in a checkout of Countersign, after `npm ci`.';
  if (files === undefined) throw new CliError(`There is no ${CONFIG_FILE} here.`, { hint });
  if (!files.ok) throw new CliError(files.error, { hint: 'Correct it, then run it again.' });
  if (files.value.toml.includes('"AgentAccount"')) return files.value;
  throw new CliError(`The ${CONFIG_FILE} here is not that of a Countersign gateway.`, { hint });
};

const look = async (
  { progress, signal, now }: Session,
  { network, rpc, upstream, facilitator }: Answers,
): Promise<readonly Check[]> =>
  await progress.during('looking at each part', async () => {
    const [chain, one, other] = await Promise.all([
      chainChecks(network.network, rpc, now),
      facilitatorCheck(facilitator, [network.network], signal),
      upstreamCheck(upstream.origin, signal),
    ]);
    // A facilitator or an upstream that is down now may be up when it is needed; a wrong chain or token stays wrong.
    const later: Check = one.status === 'fail' ? { ...one, status: 'warn' } : one;
    return [...chain, later, other];
  });

const mayOverwrite = async ({ prompts }: Session, input: Input, { lost }: Draft): Promise<void> => {
  if (lost.length === 0 || input.flag('force')) return;
  const what = lost.join(', ');
  if (!prompts.possible) {
    throw new CliError(`This would overwrite what you have edited: ${what}.`, {
      hint: 'Give --force to overwrite it, or --keep-tools to keep tools.json. Nothing was written.',
      code: 'would_overwrite',
    });
  }
  const agreed = await prompts.confirm({
    message: `Overwrite what you have edited? ${what}`,
    instead: '--force',
  });
  if (!agreed) throw cancelled('Nothing was written.');
};

/** What the gateway would refuse is not written. */
const mustBeRead = ({ config }: Draft): void => {
  const { faults } = configOf(config);
  if (faults.length === 0) return;
  throw new CliError('The gateway would not take this configuration. Nothing was written.', {
    hint: 'Correct what is named, in wrangler.toml or tools.json, then run it again.',
    code: 'misconfigured',
    details: Object.fromEntries(faults.map(({ name, reason }) => [name, reason])),
  });
};
