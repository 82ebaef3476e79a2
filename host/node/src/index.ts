/**
 * Which of these offers can this cloud account really launch now, and if not, what exactly stands in the way?
 *
 * The judgement is a WebAssembly component, the same bytes in every host.
 *
 * @packageDocumentation
 */

export {
  AmbiguousProject,
  ContractMismatch,
  InvalidInventory,
  InvalidJson,
  InvalidLaunch,
  PluginFailed,
  QuotagateError,
  TooLarge,
} from "./errors.js";
export { type FilterOptions, Gate, type GateOptions, type InventorySource, type JudgedOffer, MAXIMUM_OFFERS } from "./gate.js";
export { Inventory, type ReadOptions } from "./inventory.js";
export { type Whole, parse, stringify } from "./numbers.js";
export { CONTRACT, CONTRACT_VERSION, type Descriptor, MAXIMUM_REQUEST_LENGTH, Plugin, type Transpiled } from "./plugin.js";
export type * from "./types.js";
