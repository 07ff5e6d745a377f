// What the component's exports do. See engine/guests/wit/world.wit for what is asked and answered.

import * as native from "runtime:native";
import { describe, load, normalize, setFiles } from "runtime:modules";
import { install } from "runtime:globals";
import { shown } from "runtime:console";
import { ask, parse, stringify, write } from "runtime:host";
import { setImports } from "runtime:imports";
import { noteRejection, rejections, settle, unfinished } from "runtime:timers";
import { asThrown, frames } from "runtime:errors";
import { Response } from "runtime:http";
import { describeVariables } from "runtime:variables";
import { sendResponse, toRequest } from "runtime:webhook";

// Something that no further attempt can mend.
class Broken extends Error {}

function run(kind, artefact, name, params, about) {
  const facts = parse(about);
  const { files } = parse(artefact);
  native.setTraced(facts.traced === true);
  setFiles(files);
  setImports(facts.imports ?? {});
  install(kind, facts);
  try {
    const answer = call(kind, files[0].path, parse(params), facts.result);
    warnOfLeftovers();
    return write(answer);
  } catch (error) {
    const trace = frames(error);
    const message = error instanceof Broken ? error.message : `the runtime failed: ${trace}`;
    return write({ broken: message, trace });
  }
}

function call(kind, main, params, result) {
  const implementation = implementationOf(main);
  let value;
  try {
    if (kind === "webhook") {
      respond(settle(implementation(toRequest(params[0])), main), main);
      return { ok: null };
    }
    value = settle(implementation(...params), main);
  } catch (error) {
    if (error instanceof Broken) {
      throw error;
    }
    return failed(error, result);
  }
  return { ok: result?.ok === false ? null : plain(value, "returned") };
}

function respond(response, main) {
  if (!(response instanceof Response)) {
    throw new Broken("the handler must return a Response, such as new Response(...) or Response.json(...)");
  }
  settle(sendResponse(response), main);
}

function warnOfLeftovers() {
  for (const reason of rejections.values()) {
    warn(`a promise was rejected, and nobody handles it: ${shown(reason)}`);
  }
  for (const request of unfinished()) {
    warn(`a request was under way when the function returned, and is given up: ${request}`);
  }
}

function warn(message) {
  ask("log", { level: "warn", message });
}

function implementationOf(main) {
  let implementation;
  try {
    implementation = settle(import(main), main).default;
  } catch (error) {
    throw new Broken(`${main} could not be loaded: ${shown(error)}`);
  }
  if (typeof implementation !== "function") {
    const found = implementation === undefined ? "has no default export" : "has a default export that is no function";
    throw new Broken(`${main} ${found}; write export default function ...`);
  }
  return implementation;
}

// The error value, as far as the declared error type has room for it: nothing, a text or whatever was thrown.
function failed(error, result) {
  const { value, text } = asThrown(error);
  const trace = frames(error);
  if (trace !== "") {
    ask("log", { level: "error", message: trace });
  }
  switch (result?.err) {
    case "none":
      return { err: null, trace };
    case "string":
      return { err: value === undefined && text !== "" ? text : plain(value, "thrown"), trace };
    default:
      return { err: plain(value, "thrown"), trace };
  }
}

// A value as JSON can carry it. What JSON would leave out in silence is an error.
function plain(value, how) {
  if (value === undefined) {
    return null;
  }
  let text;
  try {
    text = stringify(value);
  } catch (error) {
    throw new Broken(`the ${how} value cannot be written as JSON: ${error instanceof Error ? error.message : shown(error)}`);
  }
  if (text === undefined) {
    throw new Broken(`the ${how} value is a ${typeof value}, which JSON cannot carry`);
  }
  return parse(text);
}

function query() {
  return stringify({ refused: "no_queries", message: "JavaScript components answer no queries" });
}

native.setHandlers(describe, run, query, normalize, load, noteRejection, describeVariables);
