import pytest

from market.store.annotated import QueryFailed, read_tables, time_ms

BODY = """#datatype,string,long,dateTime:RFC3339,double,string,string\r
#group,false,false,false,false,true,true\r
#default,_result,,,,,\r
,result,table,_time,_value,_field,coin_id\r
,,0,2023-03-11T00:00:00Z,1.5,price_usd,bitcoin\r
,,0,2023-03-11T00:01:00Z,,price_usd,bitcoin\r
,,1,2023-03-11T00:00:00Z,2.5,price_usd,ethereum\r
\r
#datatype,string,long,dateTime:RFC3339,string,string,string\r
#group,false,false,false,false,true,true\r
#default,named,,,,,\r
,result,table,_time,_value,_field,coin_id\r
,,0,2023-03-11T00:00:00Z,"a ""name"", with\r\n a break",name,bitcoin\r
\r
"""


def test_tables_are_told_apart_with_their_tags_types_and_result():
    first, second, third = read_tables(BODY)
    assert (first.result, first.field_name, first.tags) == (
        "_result",
        "price_usd",
        {"coin_id": "bitcoin"},
    )
    assert first.cells == [1.5, None]
    assert second.tags == {"coin_id": "ethereum"}
    assert second.cells == [2.5]
    assert (third.result, third.cells) == ("named", ['a "name", with\r\n a break'])


def test_an_empty_answer_has_no_table():
    assert list(read_tables("\r\n")) == []


def test_an_error_in_the_middle_of_an_answer_is_an_error():
    broken = BODY + (
        "#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n"
        ",error,reference\r\n,query terminated,897\r\n"
    )
    with pytest.raises(QueryFailed):
        list(read_tables(broken))


def test_times_are_milliseconds_whatever_their_fraction():
    assert time_ms("2023-03-11T00:00:00Z") == 1_678_492_800_000
    assert time_ms("2023-03-11T00:00:00.25Z") == 1_678_492_800_250
    assert time_ms("2023-03-11T00:00:00.123456789Z") == 1_678_492_800_123
