import { describe, expect, it } from 'vitest';
// oxlint-disable-next-line import/default -- Vite gives the text of a file as its default export
import formatPage from '../../../../docs/audit-format.md?raw';
// oxlint-disable-next-line import/default -- Vite gives the text of a file as its default export
import pythonRoutes from '../../../../examples/verifier-python/commands.py?raw';
// oxlint-disable-next-line import/default -- Vite gives the text of a file as its default export
import pythonTypes from '../../../../examples/verifier-python/entry_types.py?raw';
import { ROUTES } from '../../../../src/management/routes.ts';
import {
  declarationOf,
  ENTRY_TYPES,
  type EntryType,
} from '../../../../src/protocol/log/entry-types.ts';

const TYPES = Object.keys(ENTRY_TYPES) as readonly EntryType[];

type Role = 'owner' | 'operator';

/** The routes whose commands write entries of a type. A signer has routes of its own. */
const routesOf = (type: EntryType, role: Role): readonly string[] => {
  const declared = declarationOf(type);
  const routes = 'routes' in declared ? declared.routes : undefined;
  return routes === 'signer' ? [] : (routes?.[role] ?? []);
};

const typesOf = (role: Role): readonly EntryType[] =>
  TYPES.filter((type) => routesOf(type, role).length > 0).toSorted();

/** The entry types that a part of a text names, each once. */
const typesIn = (text: string | undefined, name: RegExp): readonly string[] =>
  [...new Set([...(text ?? '').matchAll(name)].map(([, type = '']) => type))].toSorted();

/** Removes the names of a route's parameters, because entries name them differently. */
const form = (route: string): string => route.replace(/:\w+/g, ':');

describe('the types of entries', () => {
  it('declare routes that the management API has', () => {
    const known = new Set(ROUTES.map(({ method, path }) => form(`${method} ${path}`)));
    for (const role of ['owner', 'operator'] as const)
      expect(
        TYPES.flatMap((type) => routesOf(type, role)).filter((route) => !known.has(form(route))),
      ).toEqual([]);
  });

  it('are in examples/verifier-python/entry_types.py', () => {
    expect(TYPES.filter((type) => !pythonTypes.includes(`"${type}"`))).toEqual([]);
  });
});

// A verifier that does not know a route rejects genuine entries.
describe('the types that commands of a role write', () => {
  it.each(['owner', 'operator'] as const)(
    'are in examples/verifier-python/commands.py: %s',
    (role) => {
      const [table] = new RegExp(`def _${role}_targets.*?\n\n\n`, 's').exec(pythonRoutes) ?? [];
      expect(typesIn(table, /"(\w+\.\w+)":/g)).toEqual(typesOf(role));
    },
  );

  it('are in the table of docs/audit-format.md, Commands', () => {
    const [, table] = /^### Commands\n(.*?)^`by` /ms.exec(formatPage) ?? [];
    const [owner, operator] = (table ?? '').split('\n| `operator`');
    expect(typesIn(owner, /`((?!outcome)\w+\.\w+)`/g)).toEqual(typesOf('owner'));
    expect(typesIn(operator, /`((?!outcome)\w+\.\w+)`/g)).toEqual(typesOf('operator'));
  });
});
