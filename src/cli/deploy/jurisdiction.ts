import { parse, patch } from '@decimalturn/toml-patch';
import { askJurisdiction } from '../create/jurisdiction.ts';
import { CliError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';
import type { Session } from '../lib/session.ts';
import { type Table, tablesAt, withValue } from '../lib/wrangler-config.ts';
import type { Project } from './project.ts';

/**
 * The project in the jurisdiction of --jurisdiction, or in the one that the user chooses before the database exists. Later it only compares: the
 * place of what exists cannot change.
 *
 * @returns the same project if the jurisdiction does not change
 * @throws CliError if the database exists and the option names another jurisdiction
 */
export const withJurisdiction = async (
  session: Pick<Session, 'prompts'>,
  input: Input,
  project: Project,
): Promise<Project> => {
  const isGiven = input.text('jurisdiction') !== undefined;
  const isFirst = project.database.id === undefined;
  if (!isGiven && (!isFirst || project.jurisdiction !== 'none')) return project;
  const jurisdiction = await askJurisdiction(session, input);
  if (jurisdiction === project.jurisdiction) return project;
  if (!isFirst)
    throw new CliError('The jurisdiction of a gateway cannot change once its database exists.', {
      hint: 'Leave JURISDICTION as it is. A gateway in another place is a new one, with names of its own: docs/region.md.',
      code: 'jurisdiction_fixed',
    });
  const { files } = project;
  const path = files.environment === undefined ? [] : ['env', files.environment];
  const variables = {
    ...files.variables,
    JURISDICTION: jurisdiction === 'none' ? '' : jurisdiction,
  };
  const table = parse(files.toml) as Table;
  const buckets = tablesAt(table, ...path, 'r2_buckets').map((each) => {
    const { jurisdiction: _, ...rest } = each;
    return jurisdiction === 'none' ? rest : { ...rest, jurisdiction };
  });
  const placed = withValue(table, [...path, 'vars'], variables);
  const toml = patch(
    files.toml,
    buckets.length === 0 ? placed : withValue(placed, [...path, 'r2_buckets'], buckets),
  );
  return {
    ...project,
    jurisdiction,
    bucketJurisdiction: jurisdiction === 'none' ? undefined : jurisdiction,
    files: { ...files, toml, variables },
  };
};
