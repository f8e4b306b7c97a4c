import { configurationChecks } from './deploy/preflight.ts';
import { NEXT_AUDIENCES, readProject } from './deploy/project.ts';
import { type Check, checkLines } from './lib/checks.ts';
import { configOf, readConfigFiles, TOOLS_FILE } from './lib/config-files.ts';
import { failure, warning } from './lib/checks.ts';
import { localSecrets } from './dev/local-secrets.ts';
import { missingText, projectSecrets, putText } from './lib/needed-secrets.ts';
import type { Command } from './lib/command.ts';
import { CliError } from './lib/errors.ts';
import type { Session } from './lib/session.ts';

export const command: Command = {
  summary: 'check tools.json, and before a deployment all settings; wrangler runs it in each build',
  options: [{ flags: '--deploy', summary: 'check as before a deployment' }],
  examples: ['countersign check', 'countersign check --deploy'],
  run: async (session, input) => {
    const checks =
      input.flag('deploy') || isUpload(session.env)
        ? await ofDeployment(session)
        : await ofTools(session);
    const failed = checks.filter(({ status }) => status === 'fail');
    if (failed.length > 0) {
      const { out } = session;
      out.note(checkLines({ ...out, style: out.noteStyle }, failed));
      throw new CliError('The gateway would reject this configuration.', {
        hint: 'Correct what is marked in wrangler.toml or tools.json.',
        code: 'misconfigured',
        details: Object.fromEntries(failed.map(({ name, says }) => [name, says])),
      });
    }
    session.out.result({ ok: true, checks }, () => checkLines(session.out, checks));
  },
};

/** wrangler names the command that builds: `dev` has other settings, in `.dev.vars`, than a deployment. */
const isUpload = ({ WRANGLER_COMMAND: command = '' }: NodeJS.ProcessEnv): boolean =>
  command === 'deploy' || command === 'versions upload';

const ofDeployment = async ({ directory, env }: Session): Promise<readonly Check[]> => {
  const { files } = await readProject(directory, env['CLOUDFLARE_ENV'] || undefined);
  const AUDIENCES = env[NEXT_AUDIENCES] ?? files.variables['AUDIENCES'] ?? '';
  return configurationChecks({ ...files, variables: { ...files.variables, AUDIENCES } }).checks;
};

const ofTools = async ({ directory }: Session): Promise<readonly Check[]> => {
  const read = await readConfigFiles(directory);
  if (read?.ok !== true) return [];
  const { faults } = configOf(read.value);
  const invalid = faults.filter(({ name }) => name === TOOLS_FILE);
  if (invalid.length > 0) {
    return invalid.map(({ name, reason }) =>
      failure(name, reason, 'docs/tools.md describes each field.'),
    );
  }
  const { secrets, variables } = read.value;
  const upstream = secrets['UPSTREAM_URL'] ?? variables['UPSTREAM_URL'] ?? '';
  const kept = await localSecrets(directory);
  return (await projectSecrets(directory, upstream))
    .filter(({ name }) => !Object.hasOwn(kept, name))
    .map((each) =>
      warning(
        'secrets',
        `on this machine ${missingText(each)}`,
        `While \`countersign dev\` runs: ${putText(each)}. \`countersign doctor\` checks a deployed gateway.`,
      ),
    );
};
