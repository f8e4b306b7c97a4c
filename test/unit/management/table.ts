import type { Role } from '../../../src/management/route.ts';
import { type Route, ROUTES } from '../../../src/management/routes.ts';

const WHO: Readonly<Record<Role, string>> = {
  operator: 'operators',
  above: 'owners above',
  self: 'itself',
  sovereign: 'itself, if nobody is above',
};

const notesOf = ({ etag, precondition, dryRun, formats, stream }: Route): readonly string[] => [
  ...(etag === true ? ['ETag'] : []),
  ...(precondition === 'etag' ? ['If-Match'] : []),
  ...(dryRun === true ? ['Dry-Run'] : []),
  ...(formats ?? []).filter((format) => format !== 'json').map((format) => format.toUpperCase()),
  ...(stream === true ? ['SSE'] : []),
];

const row = (route: Route): string => {
  const { id, method, path, roles, summary } = route;
  const who = roles.map((role) => WHO[role]).join(', ');
  const notes = notesOf(route).join(', ');
  return `| \`${method} ${path}\` | \`${id}\` | ${who} | ${summary} | ${notes} |`;
};

/** The rows of the table in docs/management.md: those under a path that begins so. */
export const tableOf = (start: '/admin' | '/accounts'): string =>
  ROUTES.filter(({ path }) => path.startsWith(`${start}/`))
    .map(row)
    .join('\n');
