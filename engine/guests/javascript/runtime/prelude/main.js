// What the component's exports do. See engine/guests/wit/world.wit for what is asked and answered.

import * as native from "runtime:native";
import { describe, load, normalize, setFiles } from "runtime:modules";
import { install } from "runtime:globals";
import { setImports } from "runtime:imports";
import { settle } from "runtime:timers";
import { asThrown, frames } from "runtime:errors";
import { toRequest, fromResponse } from "runtime:webhook";

function run(kind, artefact, name, params, about) {
  const facts = JSON.parse(about);
  const { files } = JSON.parse(artefact);
  const main = files[0].path;
  setFiles(files);
  setImports(facts.imports ?? {});
  install(kind, facts);
  let implementation;
  try {
    implementation = settle(import(main), main).default;
  } catch (error) {
    return JSON.stringify({ broken: `${main} could not be loaded: ${summary(error)}`, trace: frames(error) });
  }
  if (typeof implementation !== "function") {
    const found = implementation === undefined ? "has no default export" : "has a default export that is no function";
    return JSON.stringify({ broken: `${main} ${found}; write export default function ...`, trace: "" });
  }
  try {
    const args = JSON.parse(params);
    if (kind === "webhook") {
      return JSON.stringify({ ok: fromResponse(settle(implementation(toRequest(args[0])), main)) });
    }
    const value = settle(implementation(...args), main);
    return JSON.stringify({ ok: value === undefined ? null : plain(value, "returned") });
  } catch (error) {
    return answerTo(error);
  }
}

function answerTo(error) {
  const { value, text } = asThrown(error);
  let err;
  try {
    err = plain(value, "thrown");
  } catch (problem) {
    return JSON.stringify({ broken: problem.message, trace: frames(error) });
  }
  return JSON.stringify({ err, text, trace: frames(error) });
}

// A value as JSON can carry it. What JSON would leave out in silence is an error.
function plain(value, how) {
  if (value === undefined) {
    return null;
  }
  let text;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw new TypeError(`the ${how} value cannot be written as JSON: ${error.message}`);
  }
  if (text === undefined) {
    throw new TypeError(`the ${how} value is a ${typeof value}, which JSON cannot carry`);
  }
  return JSON.parse(text);
}

function summary(error) {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function query() {
  return JSON.stringify({ refused: "no_queries", message: "JavaScript components answer no queries" });
}

native.setHandlers(describe, run, query, normalize, load);
