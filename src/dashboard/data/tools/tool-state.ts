type ToolCondition = {
  readonly fault?: string | undefined;
  readonly disabled: boolean;
  /** Judged from the calls of the last day (docs/tools.md). */
  readonly health: string | undefined;
  readonly spend: readonly { readonly calls: number }[];
};

/** The state of a tool in one word. A faulty or disabled tool is not served, so its health does not matter. */
export const toolState = ({ fault, disabled, health, spend }: ToolCondition): string => {
  if (fault !== undefined) return 'faulty';
  if (disabled) return 'off';
  if (health === 'working' || health === 'failing') return health;
  return spend.every(({ calls }) => calls === 0) ? 'no calls' : 'unknown';
};
