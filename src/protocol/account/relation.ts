/** How the asking account is related to the asked one. `hasParent`: the asked account has consented to a grant. */
export type Relation =
  | {
      readonly verdict: 'found';
      readonly relation: 'self' | 'ancestor' | 'none';
      readonly hasParent: boolean;
      /** The asked account has money, has applied a command or has entries. */
      readonly exists: boolean;
    }
  | { readonly verdict: 'unavailable' };
