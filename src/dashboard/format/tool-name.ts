import { shown } from './text.ts';

/** The gateway sells credit as this tool. */
export const TOP_UP = 'countersign.credits';

/** A tool by its id. Buying credit is a call too: it is named for what it does. */
export const toolName = (tool: string): string => (tool === TOP_UP ? 'top-up' : shown(tool));
