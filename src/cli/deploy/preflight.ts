import { egressFault } from '../../protocol/egress-url.ts';
import { readAudiences } from '../../config/settings.ts';
import { type Target, targetOf } from '../doctor/config-checks.ts';
import { environmentChecks } from '../doctor/environment-checks.ts';
import { partsOf } from '../doctor/part-checks.ts';
import { runParts } from '../doctor/run-parts.ts';
import { type Check, failure, warning } from '../lib/checks.ts';
import type { ConfigFiles } from '../lib/config-files.ts';
import type { Session } from '../lib/session.ts';
import type { Project } from './project.ts';
import { screeningListChecks } from './screening-lists.ts';

/** The configuration of a deployment: everything that needs no network. */
export const configurationChecks = (files: ConfigFiles): Target => {
  const target = targetOf(files, undefined);
  return { ...target, checks: [...publicChecks(files), ...target.checks] };
};

/** Settings that a deployed Worker must not have: a local audience, and LOCAL_STACK. */
const publicChecks = ({ variables }: ConfigFiles): readonly Check[] => {
  const audiences = readAudiences(variables['AUDIENCES']?.trim() ?? '');
  const local = audiences.ok
    ? audiences.value.flatMap((origin) => {
        const fault = egressFault(origin, 'public');
        const hint =
          'Agents sign for this origin. Give --audience https://<name>.<your subdomain>.workers.dev, or the origin of your own domain.';
        return fault === undefined ? [] : [failure('AUDIENCES', `${origin} ${fault}`, hint)];
      })
    : [];
  const hint =
    'Set it to "false" in wrangler.toml. In .dev.vars it may stay "true": that file stays here.';
  return variables['LOCAL_STACK']?.trim() === 'true'
    ? [...local, failure('LOCAL_STACK', 'lets the gateway call private addresses', hint)]
    : local;
};

/** Everything that must be right before the first change. Parts that need a network are not checked after a fault of the configuration. */
export const preflight = async (project: Project, session: Session): Promise<readonly Check[]> => {
  const { checks, ...rest } = configurationChecks(project.files);
  const target = {
    ...rest,
    checks: [
      ...checks,
      ...(await environmentChecks(project.directory, project.environment)),
      ...(await screeningListChecks(project)),
    ],
  };
  if (target.checks.some(({ status }) => status === 'fail')) return target.checks;
  const { now, signal } = session;
  const parts = await runParts(partsOf(target, now), signal, () => undefined);
  return [...target.checks, ...addressChecks(project, target), ...parts.map(lenient)];
};

/** A facilitator that is down now may be up when the gateway needs it. A wrong chain or token stays wrong. */
const lenient = (check: Check): Check =>
  check.unreachable === true && check.name === 'facilitator' ? { ...check, status: 'warn' } : check;

/** Without a route, a Worker answers on workers.dev only. */
const addressChecks = ({ hosts }: Project, { gateway }: Target): readonly Check[] => {
  const host = new URL(gateway ?? 'https://workers.dev').host;
  if (host.endsWith('workers.dev') || hosts.includes(host)) return [];
  return [
    warning(
      'AUDIENCES',
      `wrangler.toml has no route for ${host}`,
      `Add \`routes = [{ pattern = "${host}", custom_domain = true }]\` at its top, unless the host reaches the Worker in another way.`,
    ),
  ];
};
