import { parseCard } from '../cards/card-terms.ts';
import { readMeter } from '../catalog/metered-price.ts';
import { parseTool } from '../catalog/schema.ts';
import { schemaFault } from '../catalog/schema-fault.ts';
import type { Tool } from '../catalog/tool.ts';
import type { EgressReach } from '../protocol/egress-url.ts';
import type { FieldFault } from '../protocol/fault.ts';
import { parsePlacements } from '../vault/placement.ts';

/**
 * Checks a tool as the gateway does before it stores one, without comparing it with other tools: its fields, its meter, its input
 * schema, its placements of secrets, and its card.
 *
 * @returns the faults, with the fields of the document; none for a valid tool
 */
export const toolFaults = (document: unknown, reach: EgressReach): readonly FieldFault[] => {
  const parsed = parseTool(document, reach);
  return parsed.ok ? contentFaults(parsed.value) : parsed.error;
};

/** The faults that the catalogue's own parser does not find: in the meter, the input schema, the placements of secrets, and the card. */
export const contentFaults = (tool: Tool): readonly FieldFault[] => {
  const fault = schemaFault(tool.inputSchema);
  const placements = parsePlacements(tool);
  const metered = readMeter(tool);
  const card = tool.card === undefined ? undefined : parseCard(tool);
  return [
    ...(metered.ok ? [] : metered.error),
    ...(fault === undefined ? [] : [fault]),
    ...(placements.ok ? [] : placements.error),
    ...(card === undefined || card.ok ? [] : card.error),
  ];
};
