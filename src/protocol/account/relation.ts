/** What one account is to another. `above`: the other one hangs below it. `hasParent`: it does not stand for itself. */
export type Kin =
  | {
      readonly verdict: 'found';
      readonly kin: 'self' | 'above' | 'none';
      readonly hasParent: boolean;
      /** It has a place here: money, an order or an entry. */
      readonly exists: boolean;
    }
  | { readonly verdict: 'unavailable' };
