type Authority = {
  readonly status: string;
  readonly parent?: string;
  readonly grants: readonly { readonly status: string }[];
};

/**
 * The status of an account for people. An account that ever took a grant can only call under a grant (docs/wire-format.md §16): without a
 * valid one it spends nothing, although its status is `active`.
 */
export const spendStatus = ({ status, parent, grants }: Authority): string => {
  const isGoverned = parent !== undefined || grants.length > 0;
  const mayCall = !isGoverned || grants.some((grant) => grant.status === 'active');
  return status === 'active' && !mayCall ? 'no valid grant' : status;
};
