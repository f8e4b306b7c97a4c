/** The role of the signed-in account at the gateway. */
export type Role = 'operator' | 'owner';

/** The accounts that a page may show: a fleet, or all accounts for an operator. */
export type Scope = { readonly role: Role; readonly account: string };

/** The properties of a page: its scope, and the parameters in its address. */
export type PageProps = {
  readonly scope: Scope;
  readonly params: Readonly<Record<string, string | undefined>>;
};
