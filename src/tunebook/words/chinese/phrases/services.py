"""Metrics that ask a service, in Chinese."""

from __future__ import annotations

__all__ = ["SERVICES"]

SERVICES = {
    "metric {name}: its service gives no score. See that it answers, then try again.": (
        "指标 {name}：它的服务没有给出分数。请确认服务可用，然后重试。"
    ),
    (
        "metric: judge asks a service, and {url} is not set. Set it to the address of an OpenAI-compatible service "
        "(https://host/v1), and {key} to its key, if it has one."
    ): (
        "metric: judge 需要请求服务，而 {url} 没有设置。请设为兼容 OpenAI 的服务地址（https://host/v1）；"
        "如有密钥，设到 {key}。"
    ),
    (
        "{url}: cannot be used as an address (it is not shown here, as it may hold a password); an address is "
        "https://host/v1 without name and password. Put the key into {key}."
    ): (
        "{url}: 不能用作地址（可能含有密码，此处不显示）；地址应为 https://host/v1，不含用户名和密码。"
        "密钥请放到 {key}。"
    ),
    (
        "{key}: holds characters that no key has (it is not shown here); a key is one word of ASCII letters and "
        "signs. Set it again."
    ): ("{key}: 含有密钥中不会出现的字符（此处不显示）；密钥是一个由 ASCII 字母和符号组成的词。请重新设置。"),
    (
        "metric: judge: the service at {host} does not answer ({error}); it is asked once before anything is "
        "trained. Check {url}, {key}, metric.model and the network."
    ): (
        "metric: judge: {host} 处的服务没有应答（{error}）；训练之前会先请求一次。"
        "请检查 {url}、{key}、metric.model 和网络。"
    ),
    (
        "metric: judge: {model} at {host} replies {reply}, where it was asked for JSON with a judgement. Name "
        "another model, give it more tokens ({more}), or say in the rubric what to reply."
    ): (
        "metric: judge: {host} 处的 {model} 回复 {reply}，而要求的是带评判的 JSON。"
        "请换一个模型，给它更多 token（{more}），或在评分标准里写明怎样回复。"
    ),
    (
        "metric: judge: the service at {host} does not answer ({why}). What it has judged so far is kept, and "
        "so are the trained answers. Run again when it answers."
    ): ("metric: judge: {host} 处的服务没有应答（{why}）。已有的评判和训练好的回答都已保存。服务恢复后请再次运行。"),
    (
        "metric.rubric_file: found {file}, which cannot be read ({error}). Write the file beside the study file."
    ): "metric.rubric_file: 找到的是 {file}，无法读取（{error}）。请把该文件放在研究文件旁边。",
    "metric.rubric_file: {file} is empty. Write the rubric.": "metric.rubric_file: {file} 是空的。请写入评分标准。",
    (
        "metric {metric}: {n} of {of} answers on {split} were not judged, and at most {most:g} % may be; the "
        "others' judgements are kept: try again with --retry-failed"
    ): (
        "指标 {metric}：{split} 上 {of} 个回答中有 {n} 个没有得到评判，最多允许 {most:g} %；"
        "其余评判已保存，可用 --retry-failed 重试"
    ),
    "metric {metric}: gave {score:g}; it promises {scale}. Correct the metric.": (
        "指标 {metric}：给出 {score:g}，而它声明的是 {scale}。请改正该指标。"
    ),
    (
        "metric: what {metric} judges by (a rubric in a file) is not what the study was begun with. Restore it, or "
        "give the study another name."
    ): "metric: {metric} 的评判依据（文件里的评分标准）与研究开始时不同。请恢复原文，或给研究换一个名称。",
}
