import { join } from 'node:path';
import { ROOT } from '../root.ts';
import type { Fleet } from './fleet.ts';

export type Who = 'operator' | 'owner';
export type Address = { readonly who: Who; readonly path: string };

type Entry = { readonly path: string; readonly name?: string; readonly roles: readonly Who[] };

/** A dynamic import, so that the type check of this program does not include the dashboard, which needs the types of a browser. */
export const { PAGES } = (await import(join(ROOT, 'src/dashboard/pages.ts'))) as {
  readonly PAGES: readonly Entry[];
};

/** Tabs and filters that read other data than the page they belong to. */
const MORE: readonly Address[] = [
  { who: 'operator', path: '/?days=30' },
  { who: 'owner', path: '/?days=30' },
  { who: 'operator', path: '/agents/:account?tab=history' },
  { who: 'owner', path: '/agents/:account?tab=history' },
  { who: 'operator', path: '/agents/:busiest?tab=history' },
];

/** Every page, once for each role that may open it. */
export const ADDRESSES: readonly Address[] = [
  ...PAGES.flatMap(({ path, roles }) => roles.map((who): Address => ({ who, path }))),
  ...MORE,
];

/** Every address with the parameters of a real agent, its call, and a tool. */
export const addressesOf = (
  fleet: Fleet & { readonly busiest: string },
): readonly (Address & { readonly address: string })[] =>
  ADDRESSES.map(({ who, path }) => ({
    who,
    path,
    address: path
      .replace(':account', fleet.agent)
      .replace(':busiest', fleet.busiest)
      .replace(':call', fleet.call)
      .replace(':tool', 'lookup'),
  }));
