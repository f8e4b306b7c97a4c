/** The relation of a reader to an account. `hasParent`: the account has consented to a grant. */
export type Relation =
  | {
      readonly verdict: 'found';
      readonly relation: 'self' | 'ancestor' | 'none';
      readonly hasParent: boolean;
      /** The account has money, has applied a command or has entries. */
      readonly exists: boolean;
    }
  | { readonly verdict: 'unavailable' };
