import type { AdminRole } from '../../src/management/route.ts';
import { type AdminRoute, ROUTES } from '../../src/management/routes.ts';

const ROLE_NAMES: Readonly<Record<AdminRole, string>> = {
  operator: 'operators',
  above: 'ancestors',
  self: 'itself',
  sovereign: 'itself (without a parent)',
};

const notesOf = ({
  etag,
  readsLog,
  precondition,
  dryRun,
  formats,
  stream,
}: AdminRoute): readonly string[] => [
  ...(etag === true ? ['ETag'] : []),
  ...(readsLog === true ? ['304'] : []),
  ...(precondition === 'etag' ? ['If-Match'] : []),
  ...(dryRun === true ? ['Dry-Run'] : []),
  ...(formats ?? []).filter((format) => format !== 'json').map((format) => format.toUpperCase()),
  ...(stream === true ? ['SSE'] : []),
];

const row = (route: AdminRoute): string => {
  const { id, method, path, roles, summary } = route;
  const who = roles.map((role) => ROLE_NAMES[role]).join(', ');
  return `| \`${method} ${path}\` | \`${id}\` | ${who} | ${summary} | ${notesOf(route).join(', ')} |`;
};

const tableOf = (prefix: string): string =>
  [
    '| request | tool | roles | what it does | |',
    '|---|---|---|---|---|',
    ...ROUTES.filter(({ path }) => path.startsWith(prefix)).map(row),
    '',
  ].join('\n');

/** Replaces the tables of routes in a page, between the marks `<!-- admin-start -->`, `<!-- admin-end -->` and so on. */
export const withRouteTables = (page: string): string =>
  (['admin', 'accounts'] as const).reduce((text, name) => {
    const marked = new RegExp(`(<!-- ${name}-start -->\n)[^]*(<!-- ${name}-end -->)`);
    return text.replace(
      marked,
      (_, start: string, end: string) => start + tableOf(`/${name}/`) + end,
    );
  }, page);
