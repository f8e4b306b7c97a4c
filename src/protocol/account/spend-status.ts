type Authority = {
  readonly status: string;
  readonly parent?: string;
  readonly grants: readonly { readonly status: string }[];
};

/**
 * The status of an account as a person needs it. An account that ever took a grant calls by a grant only (docs/wire-format.md §16): without
 * a valid one it spends nothing, though its status is `active`.
 */
export const spendStatus = ({ status, parent, grants }: Authority): string => {
  const isGoverned = parent !== undefined || grants.length > 0;
  const mayCall = !isGoverned || grants.some((grant) => grant.status === 'active');
  return status === 'active' && !mayCall ? 'no valid grant' : status;
};
