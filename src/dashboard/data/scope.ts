import type { Role } from './role.ts';

/** Whose data a page may show: those of a fleet, or of all accounts for an operator. */
export type Scope = { readonly role: Role; readonly account: string };

/** What a page gets: its scope, and the parameters in its address. */
export type PageProps = {
  readonly scope: Scope;
  readonly params: Readonly<Record<string, string | undefined>>;
};
